import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const ask = vi.fn();
const tell = vi.fn();
vi.mock("../api", async (original) => ({ ...(await original<typeof import("../api")>()), ask, tell }));

const { consent } = await import("../acts");
const { BuildChange, PromptChange } = await import("./changes");
const { ConsentSwitch } = await import("./consent");
const { Machine } = await import("./machine");
const { Policies } = await import("./policies");

beforeEach(() => {
  ask.mockReset();
  tell.mockReset();
});
afterEach(cleanup);

describe("watching what people do", () => {
  it("is off at first, and withdrawing it stops at once and offers to forget", async () => {
    let kept = { given: false, by: null as string | null, at: null as number | null, kept: 0 };
    ask.mockImplementation(async () => ({ consent: kept }));
    tell.mockImplementation(async (_, { input }: { input?: { given: boolean } }) => {
      if (!input) return { forgetActs: 2 };
      kept = { given: input.given, by: "ann", at: 1, kept: 2 };
      return { setConsent: kept };
    });
    render(<ConsentSwitch />);
    const box = (await screen.findByRole("checkbox")) as HTMLInputElement;
    expect(box.checked).toBe(false);
    fireEvent.click(box);
    await waitFor(() => expect(consent.value).toBe(true));
    expect(await screen.findByText(/Switched on by ann/)).toBeTruthy();
    fireEvent.click(screen.getByRole("checkbox"));
    expect(consent.value).toBe(false);
    expect(await screen.findByText(/Shall what was recorded be forgotten/)).toBeTruthy();
    fireEvent.click(screen.getByText("Forget what was recorded"));
    await waitFor(() => expect(tell).toHaveBeenCalledTimes(3));
  });
});

describe("what DAS may do without asking", () => {
  const policy = {
    name: "budgets",
    version: 2,
    enabled: true,
    kinds: ["UNDECIDED"],
    changes: ["BUDGET"],
    worseAtMost: 0.1,
    perDay: 3,
    why: "cheap",
    author: "ann",
    at: 1,
  };
  it("is shown with all that it allows, and switched off with one click", async () => {
    ask.mockResolvedValue({ policies: [policy] });
    tell.mockResolvedValue({ switchPolicy: { name: "budgets" } });
    render(<Policies />);
    const line = (await screen.findByText("budgets")).closest("li");
    expect(line?.textContent).toMatch(/budget for undecided, at most 3 a day, at most 10 % of runs worse/);
    fireEvent.click(screen.getByText("Switch off"));
    await waitFor(() =>
      expect(tell.mock.calls[0]?.[1]).toEqual({ input: { name: "budgets", enabled: false } }),
    );
  });
});

describe("what a proposal changes", () => {
  it("is said in words for each line, not in colour alone", () => {
    render(
      <PromptChange
        prompt={{ name: "judge", lines: [{ effect: "ADDED", text: "Answer with one of: a; b." }] }}
      />,
    );
    expect(screen.getByText(/Answer with one of/).textContent).toMatch(/added: Answer/);
  });

  it("names nodes, processes and steps of a system, and how much stays", () => {
    render(
      <BuildChange
        build={{
          system: "Pump",
          first: false,
          links: 2,
          untouched: 7,
          nodes: [{ localId: "R-2", kind: "requirement", label: "The motor turns.", effect: "added" }],
          processes: [{ process: "pump", effect: "changed", added: ["Turn"], removed: ["Wait"] }],
        }}
      />,
    );
    expect(screen.getByText(/7 nodes stay as they are/)).toBeTruthy();
    expect(screen.getByText(/requirement R-2: The motor turns/).textContent).toMatch(/added/);
    expect(screen.getByText(/Wait/).textContent).toMatch(/removed/);
  });
});

describe("the machine", () => {
  it("shows what is known and which part does not answer", () => {
    render(
      <Machine
        vitals={{
          processor: 0.5,
          memoryTotalBytes: null,
          memoryAvailableBytes: null,
          diskTotalBytes: 100e9,
          diskFreeBytes: 40e9,
          outbox: 0,
          jobs: null,
          engine: { ok: false, detail: "connection refused" },
          memory: { ok: true, detail: null },
        }}
      />,
    );
    expect(screen.getByText("connection refused")).toBeTruthy();
    expect(screen.getByText("40.0 GB of 100.0 GB")).toBeTruthy();
    expect(screen.queryByText("memory left")).toBeNull();
  });
});
