// One column of the trace: a list box with a filter. Up and down walk in it, left and right to its neighbours, Enter
// chooses, Escape lets go.
import { useState } from "preact/hooks";
import { type Layer, matching } from "../trace";

const SHOWN_MAX = 300;
export const TITLES: Record<Layer, string> = {
  requirements: "Requirements",
  components: "Components",
  processes: "Processes",
  functions: "Functions",
};

export interface Entry {
  localId: string;
  label: string;
  /** How deep it stands in its tree; 0 where there is none. */
  depth?: number;
  /** A short remark beside the label. */
  note?: string | undefined;
  /** The remark is a complaint. */
  warn?: boolean;
}

interface ColumnProps {
  layer: Layer;
  entries: Entry[];
  total: number;
  chosen: string | undefined;
  lit: Set<string> | undefined;
  choose: (id: string | undefined) => void;
  sideways: (by: number) => void;
}

export function TraceColumn(props: ColumnProps) {
  const { layer, entries, total, chosen, lit, choose, sideways } = props;
  const [filter, setFilter] = useState("");
  const [focused, setFocused] = useState<string>();
  const found = matching(entries, filter);
  // What belongs to the line comes first, so that it is seen without scrolling.
  const ordered = lit
    ? [...found].sort((a, b) => Number(lit.has(b.localId)) - Number(lit.has(a.localId)))
    : found;
  const shown = ordered.slice(0, SHOWN_MAX);
  const inLine = lit ? entries.filter((entry) => lit.has(entry.localId)).length : undefined;
  // Whoever comes with the keyboard arrives where they were, else at the top.
  const entrance = shown.some(({ localId }) => localId === focused) ? focused : shown[0]?.localId;

  const onKeyDown = (event: KeyboardEvent, at: number) => {
    const move = (to: number) => {
      const next = shown[Math.max(0, Math.min(shown.length - 1, to))];
      const list = (event.currentTarget as HTMLElement).parentElement;
      if (next)
        (list?.querySelector(`[data-id="${CSS.escape(next.localId)}"]`) as HTMLElement | null)?.focus();
    };
    const actions: Record<string, () => void> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      Home: () => move(0),
      End: () => move(shown.length - 1),
      ArrowRight: () => sideways(1),
      ArrowLeft: () => sideways(-1),
      Escape: () => choose(undefined),
      Enter: () => toggle(shown[at]),
      " ": () => toggle(shown[at]),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  const toggle = (entry: Entry | undefined) => choose(entry?.localId === chosen ? undefined : entry?.localId);

  return (
    <section data-layer={layer} aria-label={TITLES[layer]}>
      <header>
        <h2>
          {TITLES[layer]}{" "}
          <span class="quiet small">
            {inLine === undefined ? total.toLocaleString() : `${inLine} of ${total}`}
          </span>
        </h2>
        <input
          type="search"
          placeholder="Filter"
          aria-label={`Filter ${layer}`}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </header>
      <div class="list" role="listbox" aria-label={TITLES[layer]}>
        {shown.map((entry, at) => (
          <div
            key={entry.localId}
            data-id={entry.localId}
            role="option"
            aria-selected={entry.localId === chosen}
            tabIndex={entry.localId === entrance ? 0 : -1}
            class={lit ? (lit.has(entry.localId) ? "lit" : "dim") : ""}
            style={!lit && entry.depth ? { marginLeft: `${Math.min(entry.depth, 6) * 16}px` } : undefined}
            onClick={() => toggle(entry)}
            onKeyDown={(event) => onKeyDown(event, at)}
            onFocus={() => setFocused(entry.localId)}
          >
            <span class="name">
              {layer === "requirements" && <span class="mono quiet">{entry.localId} </span>}
              {entry.label}
            </span>
            {entry.note && <span class={`small ${entry.warn ? "warned" : "quiet"}`}>{entry.note}</span>}
          </div>
        ))}
        {shown.length === 0 && (
          <div class="quiet small nothing">
            {filter === "" ? "There is none." : "Nothing matches the filter."}
          </div>
        )}
      </div>
      {found.length > shown.length && (
        <p class="small quiet more">{found.length - shown.length} more: filter to see them</p>
      )}
      {entries.length < total && (
        <p class="small quiet more">
          the first {entries.length} of {total} are loaded
        </p>
      )}
    </section>
  );
}
