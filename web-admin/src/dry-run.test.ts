import { describe, expect, it } from "vitest";
import { executions, marksAt, stops } from "./dry-run";

const step = (elementId: string, event: string, kind = "serviceTask") => ({ elementId, event, kind });
const flow = (elementId: string) => step(elementId, "taken", "sequenceFlow");
const STEPS = [
  step("start", "activated", "startEvent"),
  step("start", "completed", "startEvent"),
  flow("f1"),
  step("a", "activated"),
  step("a", "completed"),
  flow("back"),
  step("a", "activated"),
  step("a", "completed"),
  flow("f2"),
  step("b", "activated"),
  step("b", "incident"),
];

describe("walking through a dry run", () => {
  it("stops where something is done or stuck", () => {
    expect(stops(STEPS)).toEqual([1, 4, 7, 10]);
  });

  it("lights the way that was taken, the place where it is, and nothing of what comes", () => {
    const early = marksAt(STEPS, 3);
    expect(early.classes.get("f1")).toEqual(["is-taken"]);
    expect(early.classes.get("start")).toEqual(["is-done"]);
    expect(early.classes.get("a")).toEqual(["has-token"]);
    expect(early.classes.has("f2")).toBe(false);
    const late = marksAt(STEPS, STEPS.length);
    expect(late.classes.get("a")).toEqual(["is-done"]);
    expect(late.badges.get("a")).toBe("2×");
    expect(late.classes.get("b")).toEqual(["has-incident"]);
  });

  it("knows which round of a loop it looks at", () => {
    expect(executions(STEPS, 4, "a")).toBe(1);
    expect(executions(STEPS, 7, "a")).toBe(2);
    expect(executions(STEPS, 7, "b")).toBe(0);
  });
});
