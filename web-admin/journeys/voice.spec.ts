// Speaking to DAS: the browser records a microphone, the real server sends the recording to an endpoint that speaks
// the protocol of OpenAI's transcriptions, and what was heard waits to be corrected. The microphone is Chromium's own
// imitation, which beeps; the endpoint is the one thing that cannot be had here.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@playwright/test";
import { expectUsableByEverybody, watch } from "./checks";
import { type Running, start } from "./server";

test.use({
  permissions: ["microphone"],
  launchOptions: async ({ launchOptions }, use) =>
    use({
      ...launchOptions,
      args: [
        ...(launchOptions.args ?? []),
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
      ],
    }),
});

let endpoint: Server;
let server: Running;
let answers: { status: number; body: unknown }[] = [];
const received: { path: string; bytes: Buffer }[] = [];

test.beforeAll(async () => {
  endpoint = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      received.push({ path: request.url ?? "", bytes: Buffer.concat(parts) });
      const { status, body } = answers.shift() ?? { status: 500, body: {} };
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  const { port } = endpoint.address() as AddressInfo;
  server = await start({
    PROCOS_MODEL_BASE_URL: `http://127.0.0.1:${port}/v1`,
    PROCOS_MODEL_NAME: "writes",
    PROCOS_MODEL_TRANSCRIPTION: "hears",
  });
});
test.afterAll(async () => {
  await server?.stop();
  endpoint?.close();
});
test.beforeEach(() => {
  answers = [];
  received.length = 0;
});

test("what is spoken stands in the box to be corrected, and nothing is drafted before", async ({ page }) => {
  const seen = await watch(page, server.url);
  answers = [{ status: 200, body: { text: "check the order, then ship it" } }];
  await page.goto(server.url);
  await page.getByRole("button", { name: "Ask DAS" }).first().click();
  const box = page.getByRole("textbox", { name: "What should the process do?" });
  await box.fill("Every day:");
  await page.getByRole("button", { name: "Speak" }).click();
  const stop = page.getByRole("button", { name: "Stop recording" });
  await expect(stop).toContainText("0:01");
  await expectUsableByEverybody(page);
  await stop.click();
  await expect(box).toHaveValue("Every day: check the order, then ship it");
  await expect(box).toBeFocused();
  expect(received.map(({ path }) => path)).toEqual(["/v1/audio/transcriptions"]);
  const sent = received[0]?.bytes.toString("latin1") ?? "";
  expect(sent).toContain("hears");
  expect(sent).toContain("voice.webm");
  expect(sent.length).toBeGreaterThan(1_000);
  await expect(page.getByRole("region", { name: "Draft" })).toHaveCount(0);
  expect(seen).toEqual({ left: [], errors: [] });
});

test("a recording can be chosen, and what goes wrong is said with its code", async ({ page }) => {
  answers = [{ status: 401, body: { error: { message: "no such key" } } }];
  await page.goto(server.url);
  await page.getByRole("button", { name: "Ask DAS" }).first().click();
  const recording = page.getByLabel("From a recording");
  await recording.setInputFiles({ name: "a.ogg", mimeType: "audio/ogg", buffer: Buffer.from("OggS") });
  await expect(page.getByRole("alert")).toContainText("LLM-0003");
  answers = [{ status: 200, body: { text: "ship it" } }];
  await recording.setInputFiles({ name: "a.ogg", mimeType: "audio/ogg", buffer: Buffer.from("OggS") });
  await expect(page.getByRole("textbox", { name: "What should the process do?" })).toHaveValue("ship it");
  await expect(page.getByRole("alert")).toHaveCount(0);
});
