// How two texts differ, line by line: the longest common subsequence stays, the rest left or came.

export interface Line {
  text: string;
  change: "same" | "left" | "came";
}

/** Lines compared at most; of longer texts the rest is shown as left and come. */
const LINES_MAX = 1500;

export function lineDiff(before: string, after: string): Line[] {
  const a = before.split("\n");
  const b = after.split("\n");
  const [short, long] = [a.slice(0, LINES_MAX), b.slice(0, LINES_MAX)];
  const longest = Array.from({ length: short.length + 1 }, () => new Uint16Array(long.length + 1));
  const at = (i: number, j: number) => longest[i]?.[j] ?? 0;
  for (let i = short.length - 1; i >= 0; i -= 1)
    for (let j = long.length - 1; j >= 0; j -= 1) {
      const row = longest[i] as Uint16Array;
      row[j] = short[i] === long[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ text: a[i] as string, change: "same" });
      [i, j] = [i + 1, j + 1];
    } else if (j < b.length && (i >= a.length || at(i, j + 1) > at(i + 1, j))) {
      lines.push({ text: b[j] as string, change: "came" });
      j += 1;
    } else {
      lines.push({ text: a[i] as string, change: "left" });
      i += 1;
    }
  }
  return lines;
}
