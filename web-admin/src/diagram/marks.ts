// Marks on the elements of a diagram: classes for their shapes, short texts beside them.
import type BaseViewer from "bpmn-js/lib/BaseViewer";

export interface Marks {
  /** Element ids and the classes their shapes get: `has-token`, `is-done`, `has-incident`, `is-taken`, … */
  classes: Map<string, string[]>;
  /** Short texts at elements, e.g. how often they ran. */
  badges: Map<string, string>;
}

export const NO_MARKS: Marks = { classes: new Map(), badges: new Map() };

interface Canvas {
  addMarker(id: string, name: string): void;
  removeMarker(id: string, name: string): void;
}
interface Registry {
  get(id: string): unknown;
}
interface Overlays {
  add(
    id: string,
    type: string,
    overlay: { position: Record<string, number>; html: string | HTMLElement },
  ): void;
  remove(filter: { type: string }): void;
}

/** Draws marks; the function that comes back takes them away again. */
export function draw(viewer: BaseViewer, { classes, badges }: Marks): () => void {
  const canvas = viewer.get<Canvas>("canvas");
  const registry = viewer.get<Registry>("elementRegistry");
  const overlays = viewer.get<Overlays>("overlays");
  for (const [id, names] of classes)
    if (registry.get(id)) for (const name of names) canvas.addMarker(id, name);
  for (const [id, text] of badges) {
    if (!registry.get(id)) continue;
    const badge = document.createElement("span");
    badge.className = "badge";
    badge.textContent = text;
    overlays.add(id, "badge", { position: { top: -10, right: 10 }, html: badge });
  }
  return () => {
    for (const [id, names] of classes)
      if (registry.get(id)) for (const name of names) canvas.removeMarker(id, name);
    overlays.remove({ type: "badge" });
  };
}
