import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const ask = vi.fn();
const tell = vi.fn();
vi.mock("./api", () => ({ ask, tell, graphql: (text: string) => text }));

const { consent, flush, note, setConsent } = await import("./acts");

beforeEach(() => {
  vi.useFakeTimers();
  ask.mockReset().mockResolvedValue({ consent: { given: true } });
  tell.mockReset().mockResolvedValue({ tellActs: { consent: true } });
});
afterEach(() => vi.useRealTimers());

describe("what a person does", () => {
  it("is not told where nobody agreed, and asked about once", async () => {
    ask.mockResolvedValue({ consent: { given: false } });
    note("VIEW", "order");
    await flush();
    note("VIEW", "invoice");
    await flush();
    expect(ask).toHaveBeenCalledTimes(1);
    expect(tell).not.toHaveBeenCalled();
  });

  it("is gathered and told with how long ago it was, the same act once", async () => {
    setConsent(true);
    note("EDIT", "order", "pay");
    note("EDIT", "order", "pay");
    note("SAVE", "order");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(tell).toHaveBeenCalledTimes(1);
    expect(tell.mock.calls[0]?.[1]).toEqual({
      acts: [
        { kind: "EDIT", subject: "order", element: "pay", agoMs: 10_000 },
        { kind: "SAVE", subject: "order", element: null, agoMs: 10_000 },
      ],
    });
  });

  it("stops at once when consent is withdrawn, here or elsewhere", async () => {
    setConsent(true);
    note("VIEW", "order");
    setConsent(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(tell).not.toHaveBeenCalled();
    setConsent(true);
    tell.mockResolvedValue({ tellActs: { consent: false } });
    note("VIEW", "order");
    await flush();
    expect(consent.value).toBe(false);
    note("VIEW", "order");
    await flush();
    expect(tell).toHaveBeenCalledTimes(1);
  });

  it("is bounded: fifty at once, whatever happens", async () => {
    setConsent(true);
    for (let each = 0; each < 500; each += 1) note("VIEW", `process-${each}`);
    await flush();
    expect(tell.mock.calls[0]?.[1].acts).toHaveLength(50);
  });
});
