// The editor: the canvas, undo, the properties of what is chosen in plain words, and an outline for the keyboard.
import type Modeler from "bpmn-js/lib/Modeler";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import "./icons.css";
import { type Fittable, showWhole } from "./fit";
import { draw, type Marks } from "./marks";
import { type BusinessObject, type OutlineEntry, outline } from "./outline";
import { procosModdle } from "./procos-moddle";
import { Properties } from "./properties";

export interface Shape {
  id: string;
  type: string;
  businessObject: BusinessObject;
}

interface CommandStack {
  undo(): void;
  redo(): void;
  canUndo(): boolean;
  canRedo(): boolean;
}
interface ElementRegistry {
  get(id: string): Shape | undefined;
  getAll(): Shape[];
}

/** The palette of bpmn-js in two columns, with the gap on its left. */
const PALETTE_WIDTH = 120;

/** What the page needs of an open editor. */
export interface EditorHandle {
  xml(): Promise<string>;
  /** Chooses an element and brings it into view. */
  select(id: string): void;
}

export function Editor(props: {
  xml: string;
  marks: Marks;
  onReady: (handle: EditorHandle) => void;
  /** Something was changed, at this element where one is chosen. */
  onChange: (element: string | undefined) => void;
  /** A person took a change back. */
  onUndo: () => void;
  onSelect: (id: string | undefined) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const modeler = useRef<Modeler | undefined>(undefined);
  const [chosen, setChosen] = useState<Shape>();
  const [entries, setEntries] = useState<OutlineEntry[]>([]);
  const [history, setHistory] = useState({ undo: false, redo: false });
  const [problem, setProblem] = useState<string>();
  const [ready, setReady] = useState(false);
  const [, setVersion] = useState(0);
  const callbacks = useRef(props);
  callbacks.current = props;

  const look = useCallback(() => {
    const { current } = modeler;
    if (!current) return;
    const stack = current.get<CommandStack>("commandStack");
    setHistory({ undo: stack.canUndo(), redo: stack.canRedo() });
    setEntries(outline(current.get<ElementRegistry>("elementRegistry").getAll()));
    setVersion((before) => before + 1);
  }, []);

  const select = useCallback((id: string) => {
    const { current } = modeler;
    const shape = current?.get<ElementRegistry>("elementRegistry").get(id);
    if (!current || !shape) return;
    current.get<{ select(shape: Shape): void }>("selection").select(shape);
    current.get<{ scrollToElement(shape: Shape): void }>("canvas").scrollToElement(shape);
  }, []);

  useEffect(() => {
    let gone = false;
    void import("bpmn-js/lib/Modeler").then(async ({ default: Created }) => {
      if (gone || !place.current) return;
      const created = new Created({ container: place.current, moddleExtensions: { procos: procosModdle } });
      modeler.current = created;
      created.on("selection.changed", ({ newSelection }: { newSelection: Shape[] }) => {
        setChosen(newSelection[0]);
        callbacks.current.onSelect(newSelection[0]?.id);
      });
      created.on("commandStack.changed", () => {
        look();
        callbacks.current.onChange(created.get<{ get(): Shape[] }>("selection").get()[0]?.id);
      });
      try {
        await created.importXML(props.xml);
        if (gone) return;
        showWhole(created.get<Fittable>("canvas"), PALETTE_WIDTH);
        look();
        setReady(true);
        callbacks.current.onReady({
          xml: async () => (await created.saveXML({ format: true })).xml ?? "",
          select,
        });
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      }
    });
    return () => {
      gone = true;
      modeler.current?.destroy();
      modeler.current = undefined;
    };
  }, [props.xml, look, select]);

  useEffect(() => {
    const { current } = modeler;
    if (!current || !ready) return undefined;
    const clear = draw(current, props.marks);
    return () => {
      if (modeler.current === current) clear();
    };
  }, [ready, props.marks]);

  const stack = () => modeler.current?.get<CommandStack>("commandStack");

  return (
    <div class="stack">
      <div class="row" role="toolbar" aria-label="Editing">
        <button
          type="button"
          disabled={!history.undo}
          onClick={() => {
            stack()?.undo();
            callbacks.current.onUndo();
          }}
        >
          Undo
        </button>
        <button type="button" disabled={!history.redo} onClick={() => stack()?.redo()}>
          Redo
        </button>
        <span class="quiet small">
          Choose a step in the diagram or in the outline to change it. Ctrl+Z takes back what you did on the
          canvas.
        </span>
      </div>
      {problem && <div class="notice bad">The diagram cannot be shown: {problem}</div>}
      <div class="split editing">
        <div ref={place} class="diagram tall" />
        <aside>
          <nav class="card" aria-label="Outline">
            <h2>Outline</h2>
            <ol class="outline">
              {entries.map((entry) => (
                <li key={entry.id} style={{ paddingLeft: `${entry.depth * 16}px` }}>
                  <button
                    type="button"
                    aria-current={entry.id === chosen?.id}
                    onClick={() => select(entry.id)}
                  >
                    {entry.text} <span class="quiet small">{entry.leadsTo}</span>
                  </button>
                </li>
              ))}
            </ol>
          </nav>
          <section class="card" aria-label="Properties">
            <h2>Properties</h2>
            {chosen && modeler.current ? (
              <Properties key={chosen.id} modeler={modeler.current} shape={chosen} />
            ) : (
              <p class="quiet">Nothing is chosen.</p>
            )}
          </section>
        </aside>
      </div>
    </div>
  );
}
