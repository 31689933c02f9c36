// One system: requirements | components | processes | functions; choosing anything lights up its line both ways.
import { useMemo, useState } from "preact/hooks";
import { Link, useParams } from "wouter-preact";
import { ask, graphql, type ResultOf } from "../api";
import { Empty, Show } from "../components/states";
import { count, percent } from "../format";
import { useLoad } from "../load";
import { LAYERS, type Layer, line, matching, neighbours } from "../trace";

const SYSTEM = graphql(`
  query System($name: String!) {
    system(name: $name) {
      id name version
      requirements(first: 1000) {
        totalCount
        nodes {
          id localId label group pattern subject condition response verification criterion unallocatedReason
          quantities { property comparator value upper unit siValue siUnit }
          findings { kind text }
        }
      }
      components(first: 1000) {
        totalCount
        nodes { id localId label description parent { localId } origin { rule sources confidence assumed } }
      }
      processes(first: 1000) {
        totalCount
        nodes {
          id localId label processId definition { key version } score { average low high attempts }
          origin { rule sources confidence assumed }
        }
      }
      functions(first: 1000) {
        totalCount
        nodes { id localId label elements origin { rule sources confidence assumed } }
      }
      links { kind source target }
      interfaces { localId name item direction unit source { localId } target { localId } }
      constraints { localId name kind subject property comparator siValue siUnit }
      coverage {
        requirements allocated ratio verificationRatio
        unallocated { id reason }
        orphanComponents { localId label }
        orphanFunctions { localId label }
        conflicts { requirements why }
      }
    }
  }
`);

type SystemData = NonNullable<ResultOf<typeof SYSTEM>["system"]>;
const SHOWN_MAX = 300;
const TITLES: Record<Layer, string> = {
  requirements: "Requirements",
  components: "Components",
  processes: "Processes",
  functions: "Functions",
};

export default function System() {
  const name = decodeURIComponent(useParams<{ name: string }>().name);
  const loaded = useLoad(`system ${name}`, () => ask(SYSTEM, { name }));
  return (
    <Show of={loaded}>
      {({ system }) =>
        system ? (
          <Content system={system} />
        ) : (
          <Empty>
            <h1>There is no system called {name}</h1>
            <Link href="/">All systems</Link>
          </Empty>
        )
      }
    </Show>
  );
}

function Content({ system }: { system: SystemData }) {
  const [chosen, setChosen] = useState<string>();
  const index = useMemo(() => neighbours(system.links), [system.links]);
  const lit = useMemo(() => (chosen === undefined ? undefined : line(chosen, index)), [chosen, index]);
  const { coverage } = system;

  const focusColumn = (layer: Layer, by: number) => {
    const next = LAYERS[LAYERS.indexOf(layer) + by];
    if (next)
      document.querySelector<HTMLElement>(`[data-layer="${next}"] [role="option"][tabindex="0"]`)?.focus();
  };

  return (
    <>
      <div class="title">
        <h1>{system.name}</h1>
        <span class="quiet">change {system.version}</span>
        <div class="actions">
          {chosen !== undefined && (
            <button type="button" onClick={() => setChosen(undefined)}>
              Show everything
            </button>
          )}
        </div>
      </div>
      <section class="card" aria-label="Coverage">
        <div class="row">
          <strong>{percent(coverage.ratio)} of the requirements are allocated</strong>
          <span class="quiet">
            {coverage.allocated} of {coverage.requirements}; {percent(coverage.verificationRatio)} have a
            verification method
          </span>
        </div>
        <div class="meter">
          <span style={{ width: `${coverage.ratio * 100}%` }} />
        </div>
        <Gaps coverage={coverage} />
      </section>
      <div class="trace">
        {LAYERS.map((layer) => (
          <Column
            key={layer}
            layer={layer}
            entries={system[layer].nodes}
            total={system[layer].totalCount}
            chosen={chosen}
            lit={lit}
            choose={setChosen}
            sideways={(by) => focusColumn(layer, by)}
          />
        ))}
      </div>
      {chosen !== undefined && <Details system={system} id={chosen} />}
      <Interfaces system={system} />
    </>
  );
}

interface Entry {
  localId: string;
  label: string;
}

function Column(props: {
  layer: Layer;
  entries: Entry[];
  total: number;
  chosen: string | undefined;
  lit: Set<string> | undefined;
  choose: (id: string | undefined) => void;
  sideways: (by: number) => void;
}) {
  const { layer, entries, total, chosen, lit, choose, sideways } = props;
  const [filter, setFilter] = useState("");
  const [focused, setFocused] = useState(0);
  const found = matching(entries, filter);
  // What belongs to the line comes first, so that it is seen without scrolling.
  const ordered = lit
    ? [
        ...found.filter((entry) => lit.has(entry.localId)),
        ...found.filter((entry) => !lit.has(entry.localId)),
      ]
    : found;
  const shown = ordered.slice(0, SHOWN_MAX);
  const inLine = lit ? entries.filter((entry) => lit.has(entry.localId)).length : undefined;

  const onKeyDown = (event: KeyboardEvent, at: number) => {
    const list = (event.currentTarget as HTMLElement).parentElement;
    const move = (to: number) => {
      event.preventDefault();
      const next = Math.max(0, Math.min(shown.length - 1, to));
      setFocused(next);
      (list?.children[next] as HTMLElement | undefined)?.focus();
    };
    if (event.key === "ArrowDown") move(at + 1);
    else if (event.key === "ArrowUp") move(at - 1);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(shown.length - 1);
    else if (event.key === "ArrowRight") sideways(1);
    else if (event.key === "ArrowLeft") sideways(-1);
    else if (event.key === "Escape") choose(undefined);
    else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(shown[at]?.localId === chosen ? undefined : shown[at]?.localId);
    }
  };

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
      <ul role="listbox" aria-label={TITLES[layer]}>
        {shown.map((entry, at) => (
          <li
            key={entry.localId}
            role="option"
            aria-selected={entry.localId === chosen}
            tabIndex={at === Math.min(focused, shown.length - 1) ? 0 : -1}
            class={lit ? (lit.has(entry.localId) ? "lit" : "dim") : ""}
            onClick={() => choose(entry.localId === chosen ? undefined : entry.localId)}
            onKeyDown={(event) => onKeyDown(event, at)}
            onFocus={() => setFocused(at)}
          >
            <span class="name">
              {layer === "requirements" && <span class="mono quiet">{entry.localId} </span>}
              {entry.label}
            </span>
          </li>
        ))}
      </ul>
      {found.length > shown.length && (
        <p class="small quiet" style="padding:0 12px">
          {found.length - shown.length} more: filter to see them
        </p>
      )}
      {entries.length < total && (
        <p class="small quiet" style="padding:0 12px">
          the first {entries.length} of {total} are loaded
        </p>
      )}
    </section>
  );
}

function Gaps({ coverage }: { coverage: SystemData["coverage"] }) {
  const gaps =
    coverage.unallocated.length +
    coverage.orphanComponents.length +
    coverage.orphanFunctions.length +
    coverage.conflicts.length;
  if (gaps === 0)
    return <p class="small quiet">No gaps: nothing unallocated, no orphans, no contradictions.</p>;
  return (
    <details open={coverage.conflicts.length > 0}>
      <summary>{count(gaps, "gap")}</summary>
      <ul>
        {coverage.conflicts.map((conflict) => (
          <li key={conflict.why}>
            <span class="tag bad">contradiction</span> {conflict.requirements.join(" and ")}: {conflict.why}
          </li>
        ))}
        {coverage.unallocated.map((gap) => (
          <li key={gap.id}>
            <span class="tag warn">not allocated</span> {gap.id}: {gap.reason}
          </li>
        ))}
        {coverage.orphanComponents.map((node) => (
          <li key={node.localId}>
            <span class="tag warn">component without requirement</span> {node.label}
          </li>
        ))}
        {coverage.orphanFunctions.map((node) => (
          <li key={node.localId}>
            <span class="tag warn">function without component</span> {node.label}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Details({ system, id }: { system: SystemData; id: string }) {
  const requirement = system.requirements.nodes.find((node) => node.localId === id);
  const derived =
    system.components.nodes.find((node) => node.localId === id) ??
    system.functions.nodes.find((node) => node.localId === id) ??
    system.processes.nodes.find((node) => node.localId === id);
  const process = system.processes.nodes.find((node) => node.localId === id);
  return (
    <section class="card" aria-label="Details" aria-live="polite">
      <h2>{requirement?.localId ?? derived?.label}</h2>
      {requirement && (
        <>
          <p>{requirement.label}</p>
          <dl class="facts">
            <dt>Pattern</dt>
            <dd>{requirement.pattern}</dd>
            {requirement.group && <Fact name="Group" value={requirement.group} />}
            {requirement.subject && <Fact name="Subject" value={requirement.subject} />}
            {requirement.condition && <Fact name="Condition" value={requirement.condition} />}
            {requirement.response && <Fact name="Response" value={requirement.response} />}
            {requirement.verification && (
              <Fact
                name="Verification"
                value={`${requirement.verification}${requirement.criterion ? `: ${requirement.criterion}` : ""}`}
              />
            )}
            {requirement.unallocatedReason && (
              <Fact name="Not allocated" value={requirement.unallocatedReason} />
            )}
            {requirement.quantities.map((quantity) => (
              <Fact
                key={`${quantity.property}${quantity.value}`}
                name={quantity.property ?? "Quantity"}
                value={`${quantity.comparator} ${quantity.value}${quantity.upper === null ? "" : ` to ${quantity.upper}`} ${quantity.unit}${quantity.siValue === null ? "" : ` (${Number(quantity.siValue.toPrecision(6))} ${quantity.siUnit})`}`}
              />
            ))}
          </dl>
          {requirement.findings.map((finding) => (
            <p key={finding.text}>
              <span class="tag warn">{finding.kind}</span> {finding.text}
            </p>
          ))}
        </>
      )}
      {derived && (
        <dl class="facts">
          <Fact name="Why it exists" value={derived.origin.rule} />
          <Fact name="From" value={derived.origin.sources.join(", ") || "nobody said it"} />
          <dt>Confidence</dt>
          <dd>
            {percent(derived.origin.confidence)}{" "}
            {derived.origin.assumed && <span class="tag warn">assumed</span>}
          </dd>
        </dl>
      )}
      {process?.definition && (
        <p>
          <Link href={`/processes/${process.definition.key}`}>Open the process</Link>
          {process.score && process.score.attempts > 0 && (
            <span class="quiet">
              {" "}
              score {percent(process.score.average)} ({percent(process.score.low)} to{" "}
              {percent(process.score.high)})
            </span>
          )}
        </p>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function Interfaces({ system }: { system: SystemData }) {
  if (system.interfaces.length + system.constraints.length === 0) return null;
  return (
    <details class="card">
      <summary>
        {count(system.interfaces.length, "interface")} and {count(system.constraints.length, "constraint")}
      </summary>
      <div class="scroll">
        <table>
          <caption class="visually-hidden">Interfaces</caption>
          <thead>
            <tr>
              <th>Interface</th>
              <th>From</th>
              <th>To</th>
              <th>Item</th>
              <th>Unit</th>
            </tr>
          </thead>
          <tbody>
            {system.interfaces.map((entry) => (
              <tr key={entry.localId}>
                <td>{entry.name}</td>
                <td>{entry.source?.localId}</td>
                <td>{entry.target?.localId}</td>
                <td>
                  {entry.item} {entry.direction === "both" && <span class="quiet">(both ways)</span>}
                </td>
                <td>{entry.unit}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption class="visually-hidden">Constraints</caption>
          <thead>
            <tr>
              <th>Constraint</th>
              <th>Kind</th>
              <th>Of</th>
              <th>Bound</th>
            </tr>
          </thead>
          <tbody>
            {system.constraints.map((entry) => (
              <tr key={entry.localId}>
                <td>{entry.name}</td>
                <td>{entry.kind}</td>
                <td>{entry.subject}</td>
                <td>
                  {entry.property} {entry.comparator} {Number(entry.siValue.toPrecision(6))} {entry.siUnit}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
