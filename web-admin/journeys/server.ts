// Starts the real `procos serve` on a free port with a data directory of its own, and stops it again.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const found = [process.env.PROCOS_BIN, join(target, "debug/procos")].find(
    (path) => path && existsSync(path),
  );
  if (!found)
    throw new Error("no procos binary: run `cargo build -p server` first, or name one by PROCOS_BIN");
  return found;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

export interface Running {
  url: string;
  stop: () => Promise<void>;
}

/** Starts a server, with these settings in its environment, and waits until it is ready. */
export async function start(settings: Record<string, string> = {}): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "procos-journey-"));
  const port = await freePort();
  const child: ChildProcess = spawn(
    binary(),
    ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", folder],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...settings },
    },
  );
  let said = "";
  child.stdout?.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`procos ended with ${child.exitCode}:\n${said}`);
    const ready = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) {
      return {
        url,
        stop: () =>
          new Promise((resolve) => {
            child.once("exit", () => {
              rmSync(folder, { recursive: true, force: true });
              resolve();
            });
            child.kill("SIGTERM");
          }),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill("SIGKILL");
  throw new Error(`procos was not ready in time:\n${said}`);
}
