// The keyboard: what each key does, and a way to any place by typing a part of its name.
import { Fragment } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { ask, graphql } from "../api";
import { useLoad } from "../load";
import { newest } from "../newest";
import { matching } from "../trace";

const PLACES = graphql(`
  query Places {
    systems(first: 200) { nodes { id name } }
    processDefinitions(first: 500) { nodes { key name processId version } }
    processInstances(first: 30) { nodes { key businessKey definition { name } } }
  }
`);

// What systems say is looked for by the server: it knows all of it.
const FIND = graphql(`
  query Find($words: String!) {
    search(query: $words, first: 8) { nodes { system kind node { localId label } } }
  }
`);
/** Letters from which on systems are searched. */
const FOUND_FROM = 2;

export const PAGES: [string, string][] = [
  ["/", "Overview"],
  ["/systems", "Systems"],
  ["/processes", "Processes"],
  ["/runs", "Runs"],
  ["/scores", "Scores"],
  ["/proposals", "Proposals"],
  ["/prompts", "Prompts"],
  ["/memory", "Memory"],
];
const SHOWN_MAX = 12;

const KEYS: [string, string][] = [
  ["/", "go to a page, system, process or run by its name, to anything in a system by its words"],
  ["Ctrl K", "ask DAS; on the page of a process: to change that process"],
  ["?", "this list"],
  ["Tab", "to the next thing that can be used; the first Tab skips the navigation"],
  ["↑ ↓ ← →", "in the trace of a system: along a column, to the next column"],
  ["Enter", "choose"],
  ["Esc", "let go of what is chosen, close what is open"],
  ["Ctrl Z, Ctrl Y", "in the editor: undo, redo"],
];

function useModal() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return dialog;
}

export function KeyboardHelp({ close }: { close: () => void }) {
  return (
    <dialog ref={useModal()} onClose={close} aria-label="Keyboard">
      <div class="inside">
        <div class="title">
          <h2>Keyboard</h2>
          <div class="actions">
            <button type="button" onClick={close}>
              Close
            </button>
          </div>
        </div>
        <dl class="facts">
          {KEYS.map(([keys, words]) => (
            <Fragment key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{words}</dd>
            </Fragment>
          ))}
        </dl>
      </div>
    </dialog>
  );
}

interface Place {
  localId: string;
  label: string;
  href: string;
}

export function GoTo({ close }: { close: () => void }) {
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { data } = useLoad("places", () => ask(PLACES, {}));
  const places: Place[] = [
    ...PAGES.map(([href, label]) => ({ localId: "page", label, href })),
    ...(data?.systems.nodes ?? []).map(({ name }) => ({
      localId: "system",
      label: name,
      href: `/systems/${encodeURIComponent(name)}`,
    })),
    ...newest(data?.processDefinitions.nodes ?? []).map(({ key, name }) => ({
      localId: "process",
      label: name,
      href: `/processes/${key}`,
    })),
    ...(data?.processInstances.nodes ?? []).map(({ key, businessKey, definition }) => ({
      localId: "run",
      label: `${businessKey ?? key}, ${definition.name}`,
      href: `/runs/${key}`,
    })),
  ];
  const words = text.trim();
  const hits = useLoad(`find ${words}`, () =>
    words.length < FOUND_FROM ? Promise.resolve(undefined) : ask(FIND, { words }),
  );
  const nodes: Place[] = (hits.data?.search.nodes ?? []).map(({ system, kind, node }) => ({
    localId: `${kind} ${node.localId} of ${system}`,
    label: node.label,
    href: `/systems/${encodeURIComponent(system)}?node=${encodeURIComponent(node.localId)}`,
  }));
  const found = [...matching(places, text).slice(0, SHOWN_MAX), ...nodes];
  const chosen = found[Math.min(at, found.length - 1)];
  const open = (place: Place | undefined) => {
    if (!place) return;
    close();
    go(place.href);
  };
  return (
    <dialog ref={useModal()} onClose={close} aria-label="Go to" class="small-dialog">
      <div class="inside">
        <input
          type="search"
          role="combobox"
          aria-label="Go to"
          aria-expanded="true"
          aria-controls="places"
          aria-activedescendant={chosen && `place-${found.indexOf(chosen)}`}
          placeholder="Go to a page, system, process or run"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              open(chosen);
            }
            const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (by === undefined) return;
            event.preventDefault();
            setAt(Math.max(0, Math.min(found.length - 1, at + by)));
          }}
        />
        <div id="places" role="listbox" aria-label="Places">
          {found.map((place, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are with the field, as a combobox has it
            <div
              key={place.href}
              id={`place-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={place === chosen}
              onClick={() => open(place)}
            >
              {place.label} <span class="quiet small">{place.localId}</span>
            </div>
          ))}
        </div>
        {found.length === 0 && !hits.loading && (
          <p class="quiet">Nothing is called that, and nothing says it.</p>
        )}
      </div>
    </dialog>
  );
}
