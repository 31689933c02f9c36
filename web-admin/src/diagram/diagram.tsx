// A BPMN diagram to look at, with marks on its elements; loaded only when one is shown.
import type NavigatedViewer from "bpmn-js/lib/NavigatedViewer";
import { useEffect, useRef, useState } from "preact/hooks";
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import { type Fittable, heightFor, isTooLong, showStart, showWhole } from "./fit";
import { draw, type Marks } from "./marks";
import { type BusinessObject, type OutlineEntry, outline } from "./outline";

interface Registry {
  getAll(): { businessObject: BusinessObject }[];
}
interface Zoomable extends Fittable {
  zoom(): number;
  zoom(scale: number, around: "auto"): number;
}
/** How much a press on a button enlarges, and how small and large a drawing may get. */
const ZOOM_STEP = 1.25;
const [SMALLEST, LARGEST] = [0.1, 3];

export function Diagram(props: {
  xml: string;
  label: string;
  marks?: Marks;
  tall?: boolean;
  /** Offers the steps as a list, for whoever cannot see the drawing. */
  words?: boolean;
  onSelect?: (id: string | undefined) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const viewer = useRef<NavigatedViewer | undefined>(undefined);
  const [shown, setShown] = useState(0);
  const [entries, setEntries] = useState<OutlineEntry[]>([]);
  const [problem, setProblem] = useState<string>();
  const select = useRef(props.onSelect);
  select.current = props.onSelect;

  useEffect(() => {
    let gone = false;
    void import("bpmn-js/lib/NavigatedViewer").then(async ({ default: Viewer }) => {
      if (gone || !place.current) return;
      const created = new Viewer({ container: place.current });
      viewer.current = created;
      created.on("selection.changed", (event: { newSelection?: { id: string }[] }) =>
        select.current?.(event.newSelection?.[0]?.id),
      );
      try {
        await created.importXML(props.xml);
        if (gone || !place.current) return;
        const canvas = created.get<Fittable>("canvas");
        // As high as the drawing needs at this width, within the limits of the style sheet.
        place.current.style.height = `${heightFor(canvas, place.current.clientWidth)}px`;
        canvas.resized();
        if (isTooLong(canvas, place.current.clientWidth)) showStart(canvas);
        else showWhole(canvas);
        setEntries(outline(created.get<Registry>("elementRegistry").getAll()));
        setProblem(undefined);
        setShown((count) => count + 1);
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      }
    });
    return () => {
      gone = true;
      viewer.current?.destroy();
      viewer.current = undefined;
    };
  }, [props.xml]);

  useEffect(() => {
    const { current } = viewer;
    if (!current || shown === 0 || !props.marks) return undefined;
    const clear = draw(current, props.marks);
    return () => {
      if (viewer.current === current) clear();
    };
  }, [shown, props.marks]);

  const canvas = () => viewer.current?.get<Zoomable>("canvas");
  const zoom = (factor: number) => {
    const drawing = canvas();
    drawing?.zoom(Math.min(LARGEST, Math.max(SMALLEST, drawing.zoom() * factor)), "auto");
  };

  return (
    <>
      {problem && <div class="notice bad">The diagram cannot be shown: {problem}</div>}
      <figure aria-label={props.label}>
        <div class="framed">
          <div ref={place} class={`diagram${props.tall ? " tall" : ""}`} />
          {shown > 0 && (
            <fieldset class="zoom" aria-label="Size of the drawing">
              <button type="button" aria-label="Smaller" onClick={() => zoom(1 / ZOOM_STEP)}>
                −
              </button>
              <button type="button" aria-label="Larger" onClick={() => zoom(ZOOM_STEP)}>
                +
              </button>
              <button
                type="button"
                onClick={() => {
                  const drawing = canvas();
                  if (drawing) showWhole(drawing);
                }}
              >
                Whole
              </button>
            </fieldset>
          )}
        </div>
        {props.words && entries.length > 0 && (
          <details class="small">
            <summary>The steps in words</summary>
            <ol class="plain">
              {entries.map((entry) => (
                <li key={entry.id} style={{ paddingLeft: `${entry.depth * 16}px` }}>
                  {entry.text} <span class="quiet">{entry.leadsTo}</span>
                </li>
              ))}
            </ol>
          </details>
        )}
      </figure>
    </>
  );
}
