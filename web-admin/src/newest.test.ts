import { expect, it } from "vitest";
import { byProcess, newest } from "./newest";

it("shows each process once, by its newest version, wherever that stands in the list", () => {
  const list = [
    { processId: "a", version: 1 },
    { processId: "b", version: 1 },
    { processId: "a", version: 3 },
    { processId: "a", version: 2 },
  ];
  expect(newest(list)).toEqual([
    { processId: "a", version: 3 },
    { processId: "b", version: 1 },
  ]);
  expect(byProcess(list).get("a")?.version).toBe(3);
});
