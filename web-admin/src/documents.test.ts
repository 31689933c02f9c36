// @vitest-environment node
// Every question the pages ask must be one the server can answer: checked against the schema it promises.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";

const ROOT = process.cwd();
const schema = buildSchema(readFileSync(join(ROOT, "../graphql/schema.graphql"), "utf8"));
const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.tsx?$/.test(name) && !name.includes(".test."),
);
const documents = sources.flatMap((name) =>
  [...readFileSync(join(ROOT, "src", name), "utf8").matchAll(/graphql\(\s*`([^`]+)`/g)].map(
    ([, text]) => [name, text as string] as const,
  ),
);

describe("the documents of the pages", () => {
  it("are found", () => expect(documents.length).toBeGreaterThan(20));

  it.each(documents)("agree with the schema: %s", (_, text) => {
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([]);
  });

  it("have names of their own, so that the server's log can tell them apart", () => {
    const names = documents.map(([, text]) => /(?:query|mutation|subscription)\s+(\w+)/.exec(text)?.[1]);
    expect(names).not.toContain(undefined);
    expect(new Set(names).size).toBe(names.length);
  });
});
