import { describe, expect, it } from "vitest";
import { line, matching, neighbours, treeOrder } from "./trace";

const LINKS = [
  { kind: "allocated_to", source: "R-1", target: "wing" },
  { kind: "allocated_to", source: "R-2", target: "wing" },
  { kind: "performs", source: "wing", target: "provide lift" },
  { kind: "satisfied_by", source: "R-1", target: "provide lift" },
  { kind: "realised_by", source: "provide lift", target: "size wing" },
  { kind: "conflicts_with", source: "R-1", target: "R-9" },
];

describe("the line through a node", () => {
  const index = neighbours(LINKS);

  it("goes from a requirement down to what realises it", () => {
    expect([...line("R-1", index)].sort()).toEqual(["R-1", "provide lift", "size wing", "wing"]);
  });

  it("goes from a process up to every requirement it serves", () => {
    expect([...line("size wing", index)].sort()).toEqual(["R-1", "R-2", "provide lift", "size wing", "wing"]);
  });

  it("does not reach a sister requirement through a shared component", () => {
    expect(line("R-1", index).has("R-2")).toBe(false);
  });

  it("leaves out links that are not part of a line", () => {
    expect(line("R-1", index).has("R-9")).toBe(false);
  });

  it("ends on a circle", () => {
    const circle = neighbours([
      { kind: "performs", source: "a", target: "b" },
      { kind: "performs", source: "b", target: "a" },
    ]);
    expect([...line("a", circle)].sort()).toEqual(["a", "b"]);
  });
});

describe("the filter of a column", () => {
  it("wants every word, in any order and case", () => {
    const entries = [
      { localId: "R-1", label: "The aircraft shall carry two persons" },
      { localId: "R-2", label: "The wing shall carry fuel" },
    ];
    expect(matching(entries, "CARRY two").map(({ localId }) => localId)).toEqual(["R-1"]);
    expect(matching(entries, " ")).toHaveLength(2);
  });
});

describe("components as a tree", () => {
  const node = (localId: string, parent?: string) => ({
    localId,
    label: localId,
    parent: parent === undefined ? null : { localId: parent },
  });

  it("stand below their parents in the order of the source", () => {
    const ordered = treeOrder([node("root"), node("a", "root"), node("b", "root"), node("a1", "a")]);
    expect(ordered.map(({ localId, depth }) => `${depth} ${localId}`)).toEqual([
      "0 root",
      "1 a",
      "2 a1",
      "1 b",
    ]);
  });

  it("are all shown, even with an unknown parent or in a ring", () => {
    const ordered = treeOrder([node("lost", "nowhere"), node("x", "y"), node("y", "x")]);
    expect(ordered.map(({ localId }) => localId).sort()).toEqual(["lost", "x", "y"]);
  });
});
