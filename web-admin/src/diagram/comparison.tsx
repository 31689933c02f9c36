// A process before and after, one below the other in the order of reading, with what changes in words and colour.
import { useMemo } from "preact/hooks";
import { type Change, changes } from "./changes";
import { Diagram } from "./diagram";
import type { Marks } from "./marks";

const LOOKS: Record<Change["kind"], string> = {
  added: "good",
  removed: "bad",
  renamed: "accent",
  changed: "accent",
};

export function Comparison(props: {
  title: string;
  before: string;
  after: string;
  /** What the two sides are called. */
  sides?: [string, string];
}) {
  const { title, before, after, sides = ["Now", "Proposed"] } = props;
  const found = useMemo(() => changes(before, after), [before, after]);
  const [asIs, proposed] = useMemo(() => [marks(found, "removed"), marks(found, "added")], [found]);
  const steps = found.filter(({ isFlow }) => !isFlow);
  return (
    <>
      {found.length === 0 ? (
        <p class="quiet">Nothing that happens changes; at most the drawing does.</p>
      ) : (
        <ul class="plain" aria-label="Changes">
          {(steps.length > 0 ? steps : found).map(({ id, kind, text }) => (
            <li key={id}>
              <span class={`tag ${LOOKS[kind]}`}>{kind}</span> {text}
            </li>
          ))}
        </ul>
      )}
      <div class="sides">
        <div>
          <h3>{sides[0]}</h3>
          <Diagram xml={before} marks={asIs} label={`${title}: ${sides[0]}`} />
        </div>
        <div>
          <h3>{sides[1]}</h3>
          <Diagram xml={after} marks={proposed} label={`${title}: ${sides[1]}`} />
        </div>
      </div>
    </>
  );
}

function marks(found: Change[], side: "added" | "removed"): Marks {
  const shown = found.filter(({ kind }) => kind === side || kind === "renamed" || kind === "changed");
  return { classes: new Map(shown.map(({ id, kind }) => [id, [`is-${kind}`]])), badges: new Map() };
}
