// How a drawing is fitted into its frame: whole, with a margin, never larger than life, beside what floats over it. One
// so long that nobody could read it whole is shown from its start instead.

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
/** Below this scale words in a drawing cannot be read. */
const UNREADABLE = 0.45;
/** The scale at which such a drawing is shown. */
const READABLE = 0.6;

function bounds(canvas: Fittable): Box {
  const { inner } = canvas.viewbox();
  return {
    x: inner.x - MARGIN,
    y: inner.y - MARGIN,
    width: Math.max(inner.width, 1) + 2 * MARGIN,
    height: Math.max(inner.height, 1) + 2 * MARGIN,
  };
}

/** Whether the whole drawing, as wide as its frame, would be too small to read. */
export function isTooLong(canvas: Fittable, width: number): boolean {
  return width / bounds(canvas).width < UNREADABLE;
}

/** The height in pixels for a frame of a given width: enough for the whole drawing as it is shown first. */
export function heightFor(canvas: Fittable, width: number): number {
  const box = bounds(canvas);
  const scale = isTooLong(canvas, width) ? READABLE : Math.min(1, width / box.width);
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

/** Shows the start of a drawing that is too long to be read whole, its middle in the middle of the frame. */
export function showStart(canvas: Fittable): void {
  const box = bounds(canvas);
  const { outer } = canvas.viewbox();
  const headroom = Math.max(outer.height - FOOT, 1);
  canvas.viewbox({
    x: box.x,
    y: box.y - Math.max((headroom / READABLE - box.height) / 2, 0),
    width: outer.width / READABLE,
    height: outer.height / READABLE,
  });
}
