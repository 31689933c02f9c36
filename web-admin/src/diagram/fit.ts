// How a drawing is fitted into its frame: whole, with a margin, never larger than life, beside what floats over it.

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}
/** What fitting needs of the canvas of bpmn-js. */
export interface Fittable {
  viewbox(): { inner: Box; outer: { width: number; height: number } };
  viewbox(box: Box): unknown;
  resized(): void;
}

const MARGIN = 28;
/** Pixels under the drawing that belong to the mark of bpmn.io. */
const FOOT = 40;
const LOWEST = 220;

function bounds(canvas: Fittable): Box {
  const { inner } = canvas.viewbox();
  return {
    x: inner.x - MARGIN,
    y: inner.y - MARGIN,
    width: Math.max(inner.width, 1) + 2 * MARGIN,
    height: Math.max(inner.height, 1) + 2 * MARGIN,
  };
}

/** The height in pixels that shows the whole drawing at a given width. */
export function heightFor(canvas: Fittable, width: number): number {
  const box = bounds(canvas);
  const scale = Math.min(1, width / box.width);
  return Math.max(LOWEST, Math.ceil(box.height * scale) + FOOT);
}

/** Shows the whole drawing in the middle of its frame; `left` pixels on the left are kept free for the palette. */
export function showWhole(canvas: Fittable, left = 0): void {
  const box = bounds(canvas);
  const { outer } = canvas.viewbox();
  const room = Math.max(outer.width - left, 1);
  const headroom = Math.max(outer.height - FOOT, 1);
  const scale = Math.min(1, room / box.width, headroom / box.height);
  if (!Number.isFinite(scale) || scale <= 0) return;
  canvas.viewbox({
    x: box.x - left / scale - (room / scale - box.width) / 2,
    y: box.y - (headroom / scale - box.height) / 2,
    width: outer.width / scale,
    height: outer.height / scale,
  });
}
