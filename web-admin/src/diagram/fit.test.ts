import { describe, expect, it } from "vitest";
import { type Fittable, heightFor, isTooLong, showStart, showWhole } from "./fit";

function canvas(
  inner: { x: number; y: number; width: number; height: number },
  outer: { width: number; height: number },
) {
  let shown = { x: 0, y: 0, ...outer };
  const viewbox = (box?: typeof shown) => {
    if (box) shown = box;
    return { inner, outer };
  };
  return { shown: () => shown, of: { viewbox, resized: () => undefined } as unknown as Fittable };
}

describe("fitting a drawing into its frame", () => {
  it("never magnifies a small drawing", () => {
    const { of, shown } = canvas({ x: 0, y: 0, width: 100, height: 80 }, { width: 1000, height: 600 });
    showWhole(of);
    expect(shown()).toMatchObject({ width: 1000, height: 600 });
  });

  it("shows every edge of a wide drawing and keeps the palette's side free", () => {
    const { of, shown } = canvas({ x: 150, y: 100, width: 2000, height: 200 }, { width: 1000, height: 600 });
    showWhole(of, 110);
    const box = shown();
    const scale = 1000 / box.width;
    expect((150 - box.x) * scale).toBeGreaterThan(110);
    expect((2150 - box.x) * scale).toBeLessThan(1000);
  });

  it("shows a drawing that nobody could read whole from its start", () => {
    const { of, shown } = canvas({ x: 150, y: 100, width: 4000, height: 200 }, { width: 1000, height: 300 });
    expect(isTooLong(of, 1000)).toBe(true);
    showStart(of);
    const box = shown();
    expect(box.x).toBeLessThan(150);
    expect(1000 / box.width).toBeCloseTo(0.6);
    expect(box.y).toBeLessThan(100);
    expect(box.y + box.height).toBeGreaterThan(300);
    const short = canvas({ x: 0, y: 0, width: 2000, height: 200 }, { width: 1000, height: 300 });
    expect(isTooLong(short.of, 1000)).toBe(false);
  });

  it("gives a long flat drawing a low frame, and an empty one still a frame", () => {
    const flat = canvas({ x: 0, y: 0, width: 3000, height: 300 }, { width: 1000, height: 600 });
    expect(heightFor(flat.of, 1000)).toBeLessThan(260);
    const empty = canvas({ x: 0, y: 0, width: 0, height: 0 }, { width: 1000, height: 600 });
    expect(heightFor(empty.of, 1000)).toBe(220);
  });
});
