import { expect, it } from "vitest";
import { lineDiff } from "./line-diff";

const marks = { same: " ", left: "-", came: "+" };
const shown = (before: string, after: string) =>
  lineDiff(before, after).map(({ text, change }) => marks[change] + text);

it("keeps what is the same and marks what left and what came", () => {
  expect(shown("a\nb\nc", "a\nx\nc\nd")).toEqual([" a", "-b", "+x", " c", "+d"]);
  expect(shown("same", "same")).toEqual([" same"]);
  expect(shown("", "new")).toEqual(["-", "+new"]);
});

it("loses no line of a text that is too long to be compared", () => {
  const long = Array.from({ length: 1600 }, (_, at) => `line ${at}`).join("\n");
  const lines = lineDiff(long, `${long}\nlast`);
  expect(lines.filter(({ change }) => change !== "left").map(({ text }) => text)).toHaveLength(1601);
  expect(lines.at(-1)).toEqual({ text: "last", change: "came" });
});
