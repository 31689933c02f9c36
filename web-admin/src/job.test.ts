import { afterEach, describe, expect, it, vi } from "vitest";
import * as api from "./api";
import { type Step, untilOver, withStep } from "./job";

afterEach(() => vi.restoreAllMocks());

const step = (position: number, stage: string, finished = false): Step => ({
  position,
  stage,
  done: position,
  total: 9,
  finished,
});
const job = (state: string, more: object = {}) => ({
  job: { id: "1", state, error: null, progress: [], ...more },
});

describe("long work", () => {
  it("ends with the step that is the last, without waiting for the clock", async () => {
    vi.spyOn(api, "follow").mockImplementation((_document, _variables, each) => {
      queueMicrotask(() => each({ bootstrapProgress: step(1, "done", true) } as never));
      return () => undefined;
    });
    vi.spyOn(api, "ask").mockResolvedValue(job("DONE"));
    const seen: string[] = [];
    await untilOver("1", ({ stage }) => seen.push(stage), 60_000);
    expect(seen).toEqual(["done"]);
  });

  it("is asked for its state where the subscription is cut off", async () => {
    vi.spyOn(api, "follow").mockImplementation((_document, _variables, _each, failed) => {
      failed?.(new api.ApiError("cut off"));
      return () => undefined;
    });
    const answers = [job("RUNNING", { progress: [step(1, "read")] }), job("DONE")];
    vi.spyOn(api, "ask").mockImplementation(async () => answers.shift() as never);
    const seen: string[] = [];
    await untilOver("1", ({ stage }) => seen.push(stage), 1);
    expect(seen).toEqual(["read"]);
    expect(answers).toEqual([]);
  });

  it("that fails throws its own error with its code", async () => {
    vi.spyOn(api, "follow").mockReturnValue(() => undefined);
    const error = { code: "DAS-0001", message: "the file is empty", hint: null };
    vi.spyOn(api, "ask").mockResolvedValue(job("FAILED", { error }));
    await expect(untilOver("1", () => undefined, 1)).rejects.toMatchObject({ code: "DAS-0001" });
  });
});

describe("the steps that are shown", () => {
  it("are one line for each stage, in the order in which the stages began", () => {
    const shown = [step(1, "read"), step(2, "deploy"), step(3, "read"), step(2, "read")].reduce(withStep, []);
    expect(shown.map(({ stage, done }) => `${stage} ${done}`)).toEqual(["read 3", "deploy 2"]);
  });
});
