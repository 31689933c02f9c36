import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Input } from "../inputs";
import { marksOf } from "./findings";
import { PersonTask } from "./person-task";
import { Suggestions } from "./suggestions";
import { filtered } from "./trail";
import { resultOf } from "./values";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const field = (name: string, compared: unknown[] = []): Input => ({
  name,
  default: null,
  compared,
  readBy: ["gateway"],
  certain: false,
});
const task = {
  key: "7",
  name: "Sign",
  documentation: null,
  variables: { amount: 3 },
  fields: [field("approved", [true]), field("amount")],
  outcomes: [],
};

describe("a task for a person", () => {
  it("asks for what is read later, and leaves what is not answered as it is", async () => {
    const complete = vi.fn(async () => undefined);
    render(<PersonTask task={task} complete={complete} />);
    expect((screen.getByLabelText("amount") as HTMLInputElement).placeholder).toBe("3 (default)");
    fireEvent.change(screen.getByLabelText("approved"), { target: { value: "false" } });
    fireEvent.click(screen.getByRole("button", { name: "Done" }));
    await waitFor(() => expect(complete).toHaveBeenCalledWith({ approved: false }));
  });

  it("offers the outcomes it declares, and says what cannot be read", async () => {
    const complete = vi.fn(async () => undefined);
    render(<PersonTask task={{ ...task, outcomes: ["fly", "stay"] }} complete={complete} />);
    fireEvent.input(screen.getByLabelText("outcome"), { target: { value: "fly" } });
    fireEvent.input(screen.getByLabelText("amount"), { target: { value: "many" } });
    fireEvent.click(screen.getByRole("button", { name: "Done" }));
    expect((await screen.findByRole("alert")).textContent).toContain("amount: “many” is not a number");
    expect(complete).not.toHaveBeenCalled();
    fireEvent.input(screen.getByLabelText("amount"), { target: { value: "4" } });
    fireEvent.click(screen.getByRole("button", { name: "Done" }));
    await waitFor(() => expect(complete).toHaveBeenCalledWith({ outcome: "fly", amount: 4 }));
  });
});

describe("a suggestion", () => {
  const suggestion = {
    id: "s-1",
    title: "Look at Price",
    evidence: ["it failed 4 of 9 times"],
    subject: "order/price",
    madeAt: 0,
    proposal: null,
  };

  it("shows what it rests on, and is dismissed with a reason", async () => {
    const sent: { query: string; variables: unknown }[] = [];
    vi.stubGlobal("fetch", async (_: string, init: { body: string }) => {
      sent.push(JSON.parse(init.body));
      return new Response(JSON.stringify({ data: { decideSuggestion: { id: "s-1" } } }), {
        headers: { "content-type": "application/json" },
      });
    });
    const again = vi.fn();
    render(<Suggestions suggestions={[suggestion]} again={again} />);
    expect(screen.getByText("it failed 4 of 9 times")).toBeTruthy();
    fireEvent.input(screen.getByRole("textbox"), { target: { value: "known" } });
    fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    await waitFor(() => expect(again).toHaveBeenCalled());
    expect(sent[0]?.query).toContain("decideSuggestion");
    expect(sent[0]?.variables).toEqual({ input: { id: "s-1", accept: false, reason: "known" } });
  });

  it("with a draft is decided with the draft", () => {
    render(<Suggestions suggestions={[{ ...suggestion, proposal: { id: "p" } }]} again={() => undefined} />);
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("what happened", () => {
  const entry = (position: number, kind: string, data: unknown) => ({
    position,
    kind,
    at: 0,
    actor: "kernel",
    elementId: "price",
    data,
  });

  it("is found by every word, in what was written down too", () => {
    const entries = [entry(1, "task.decided", { winner: "holds" }), entry(2, "task.started", {})];
    expect(filtered(entries, "HOLDS price").map(({ position }) => position)).toEqual([1]);
    expect(filtered(entries, " ")).toHaveLength(2);
  });

  it("is shown once: what the bars of a verdict say is not said again", () => {
    const outputs = {
      outcome: "a",
      shares: {},
      winner: "a",
      toss: { shares: {}, reason: "converged" },
      x: 1,
    };
    expect(resultOf(outputs, true)).toEqual({ outcome: "a", x: 1 });
    expect(resultOf({ winner: "b" }, false)).toEqual({ winner: "b" });
  });
});

describe("findings on the diagram", () => {
  const finding = (severity: string, elementId: string | null) => ({
    code: "X",
    severity,
    elementId,
    line: null,
    message: "",
    hint: null,
  });

  it("mark an element by its worst, and leave out what has no place", () => {
    const marks = marksOf([
      finding("warning", "a"),
      finding("error", "a"),
      finding("hint", "a"),
      finding("hint", null),
    ]);
    expect([...marks.classes]).toEqual([["a", ["finds-error"]]]);
  });
});
