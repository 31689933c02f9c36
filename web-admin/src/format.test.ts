import { describe, expect, it } from "vitest";
import { count, duration, interval, minutes, percent, verdictSentence } from "./format";

describe("numbers for people", () => {
  it("a share shows a digit only near the ends, where it matters", () => {
    expect([0, 0.004, 0.5, 0.667, 0.995, 1].map(percent)).toEqual([
      "0 %",
      "0.4 %",
      "50 %",
      "67 %",
      "99.5 %",
      "100 %",
    ]);
    expect([0.99999, 0.0001].map(percent)).toEqual(["100 %", "0 %"]);
    expect(interval(0.93, 1)).toBe("93 % to 100 %");
  });

  it("a length of time has the unit that fits it", () => {
    expect([0.4, 999, 1500, 61_000, 3_660_000].map(duration)).toEqual([
      "0 ms",
      "999 ms",
      "1.5 s",
      "1 min 1 s",
      "1 h 1 min",
    ]);
  });

  it("a length of time never counts sixty seconds", () => {
    expect(duration(59_990)).toBe("1 min 0 s");
    expect(duration(119_900)).toBe("2 min 0 s");
  });

  it("one is not many", () => {
    expect([count(1, "run"), count(2, "run"), count(0, "process", "processes")]).toEqual([
      "1 run",
      "2 runs",
      "0 processes",
    ]);
  });
});

describe("a time that runs", () => {
  it("is minutes and seconds", () => {
    expect([0, 9, 65, 180].map(minutes)).toEqual(["0:00", "0:09", "1:05", "3:00"]);
  });
});

describe("a verdict in words", () => {
  const outcomes = [
    { label: "meets", share: 0.99, low: 0.93, high: 1 },
    { label: "misses", share: 0.01, low: 0, high: 0.07 },
  ];

  it("names the winner, its share, the interval and the samples", () => {
    expect(
      verdictSentence({ winner: "meets", undecided: false, samples: 31, reason: "converged", outcomes }),
    ).toBe("meets wins with 99 % (95 %: 93 % to 100 %) after 31 samples");
  });

  it("says that it is undecided, and why", () => {
    expect(
      verdictSentence({ winner: null, undecided: true, samples: 1, reason: "budget used up", outcomes }),
    ).toBe("Undecided after 1 sample: budget used up");
  });
});
