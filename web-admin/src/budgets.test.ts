// @vitest-environment node
// What a browser has to load, and that nothing of it points elsewhere. Looks at the built pages: `npm run build` first.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const DIST = join(process.cwd(), "dist");
const KB = 1024;

if (!existsSync(join(DIST, "index.html"))) throw new Error("dist/ is not there: run `npm run build` first");

const read = (name: string) => readFileSync(join(DIST, name));
const gzipped = (names: Iterable<string>) =>
  [...names].reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0);
const raw = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + read(name).length, 0);
const assets = readdirSync(join(DIST, "assets")).map((name) => `assets/${name}`);
const all = ["index.html", "graphiql.html", ...assets];

/** The files a page names in its HTML: what is loaded before anything is shown. */
function named(page: string): string[] {
  return [
    ...read(page)
      .toString()
      .matchAll(/(?:src|href)="\/?(assets\/[^"]+)"/g),
  ].map(([, name]) => name as string);
}

/** Everything a file can lead to, through imports and addresses in style sheets. */
function reachable(from: string[], stop: (name: string) => boolean = () => false): Set<string> {
  const found = new Set<string>();
  const waiting = [...from];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name) || stop(name)) continue;
    found.add(name);
    if (!/\.(js|css|html)$/.test(name)) continue;
    const text = read(name).toString();
    for (const asset of assets) if (text.includes(asset.replace("assets/", ""))) waiting.push(asset);
  }
  return found;
}

const shell = named("index.html");
const admin = reachable(shell);
const part = (name: string) => {
  const found = assets.filter((asset) => asset.startsWith(`assets/${name}-`));
  expect(found, `a part called ${name}`).not.toEqual([]);
  return found;
};

describe("what a browser has to load", () => {
  it("the shell stays below 40 KB compressed", () => {
    expect(gzipped(shell)).toBeLessThan(40 * KB);
  });

  it("the route with the editor stays below 230 KB compressed, and the shell does not load it", () => {
    const route = new Set([
      ...part("Modeler"),
      ...part("NavigatedViewer"),
      ...part("process"),
      ...part("bpmn"),
    ]);
    expect(gzipped(route)).toBeLessThan(230 * KB);
    for (const name of route) expect(shell).not.toContain(name);
  });

  it("the whole admin stays below 1 MB, and never leads to GraphiQL", () => {
    expect(raw(admin)).toBeLessThan(1000 * KB);
    expect([...admin].filter((name) => /graphiql|codemirror/.test(name))).toEqual([]);
  });

  it("GraphiQL's own page stays below 420 KB compressed", () => {
    expect(gzipped(named("graphiql.html"))).toBeLessThan(420 * KB);
  });

  it("fonts are woff2 alone", () => {
    expect(all.filter((name) => /\.(eot|ttf|woff|otf|svg)$/.test(name))).toEqual([]);
    const styles = assets.filter((name) => name.endsWith(".css")).map((name) => read(name).toString());
    expect(styles.join("").match(/url\([^)]*(?:\.(?:eot|ttf|woff|otf)\b|font\/woff;)/g)).toBeNull();
  });
});

describe("nothing points elsewhere", () => {
  it("no page, script or style sheet loads from another origin", () => {
    const outward = [
      /url\(\s*["']?(?:https?:)?\/\//,
      /@import\s*["'](?:https?:)?\/\//,
      /(?:src|href)=["'](?:https?:)?\/\//,
      /\bimport\(\s*["'`](?:https?:)?\/\//,
      /\bimportScripts\(\s*["'`](?:https?:)?\/\//,
    ];
    const found = all.flatMap((name) => {
      const text = read(name)
        .toString()
        // The mark of bpmn.io is a link that a person may follow; nothing is loaded from it.
        .replaceAll(/href=["']https?:\/\/bpmn\.io["']/g, "");
      return /\.(js|css|html)$/.test(name)
        ? outward.flatMap((pattern) => pattern.exec(text)?.[0] ?? []).map((hit) => `${name}: ${hit}`)
        : [];
    });
    expect(found).toEqual([]);
  });

  it("no page holds a script or a style of its own, so that the content security policy can forbid them", () => {
    for (const page of ["index.html", "graphiql.html"]) {
      const text = read(page).toString();
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/);
      expect(text).not.toMatch(/\sstyle=|<style/);
    }
  });
});
