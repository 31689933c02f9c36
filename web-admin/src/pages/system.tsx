// One system: requirements | components | processes | functions; choosing anything lights up its line both ways.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Link, useParams, useSearch } from "wouter-preact";
import { ask } from "../api";
import { Gaps } from "../components/gaps";
import { Interfaces } from "../components/interfaces";
import { Empty, Failure, Show } from "../components/states";
import { SystemDetails } from "../components/system-details";
import { type Entry, TraceColumn } from "../components/trace-column";
import { percent } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";
import { LAYERS, type Layer, line, neighbours, treeOrder } from "../trace";
import { LINKS, PARTS, SYSTEM, type SystemData, TRACE } from "./system-query";

export default function System() {
  const name = decodeURIComponent(useParams<{ name: string }>().name);
  useTitle(name);
  const loaded = useLoad(`system ${name}`, () => ask(SYSTEM, { name }));
  return (
    <Show of={loaded}>
      {({ system }) =>
        system ? (
          <Content key={system.id} system={system} />
        ) : (
          <Empty>
            <h1>There is no system called {name}</h1>
            <p>
              <Link href="/">All systems</Link>
            </p>
          </Empty>
        )
      }
    </Show>
  );
}

/** The entries of the four columns, with a remark where there is something to say. */
function columns(system: SystemData): Record<Layer, Entry[]> {
  return {
    requirements: system.requirements.nodes.map(({ localId, label, findings, unallocatedReason }) => ({
      localId,
      label,
      note: unallocatedReason ? "not allocated" : findings.map(({ kind }) => kind).join(", ") || undefined,
      warn: true,
    })),
    components: treeOrder(system.components.nodes),
    processes: system.processes.nodes.map(({ localId, label, score }) => ({
      localId,
      label,
      note: score && score.attempts > 0 ? `score ${percent(score.average)}` : undefined,
    })),
    functions: system.functions.nodes.map(({ localId, label }) => ({ localId, label })),
  };
}

/** The line through what is chosen: from the links where they are here, else asked of the server. */
function useLine(system: string, chosen: string | undefined): Set<string> | undefined {
  const links = useLoad(`links of ${system}`, () => ask(LINKS, { name: system }));
  const index = useMemo(() => links.data?.system && neighbours(links.data.system.links), [links.data]);
  const [asked, setAsked] = useState<{ id: string; lit: Set<string> }>();
  const remote = links.error !== undefined && chosen !== undefined;
  useEffect(() => {
    if (!remote) return undefined;
    let gone = false;
    const keep = (lit: Set<string>) => !gone && setAsked({ id: chosen, lit });
    ask(TRACE, { system, id: chosen }).then(
      ({ trace }) =>
        keep(new Set([chosen, ...LAYERS.flatMap((layer) => trace[layer].map(({ localId }) => localId))])),
      () => keep(new Set([chosen])),
    );
    return () => {
      gone = true;
    };
  }, [remote, system, chosen]);
  return useMemo(() => {
    if (chosen === undefined) return undefined;
    if (index) return line(chosen, index);
    return asked?.id === chosen ? asked.lit : new Set([chosen]);
  }, [chosen, index, asked]);
}

function Content({ system }: { system: SystemData }) {
  const [chosen, setChosen] = useState<string>();
  // An address may name what is looked at: a search leads there.
  const named = new URLSearchParams(useSearch()).get("node");
  useEffect(() => {
    if (named !== null) setChosen(named);
  }, [named]);
  const entries = useMemo(() => columns(system), [system]);
  const parts = useLoad(`parts of ${system.id}`, () => ask(PARTS, { name: system.name }));
  const lit = useLine(system.name, chosen);
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
          <button type="button" disabled={chosen === undefined} onClick={() => setChosen(undefined)}>
            Show everything
          </button>
        </div>
      </div>
      <section class="card stack tight" aria-label="Coverage">
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
      <div class="tracing">
        <div class="trace">
          {LAYERS.map((layer) => (
            <TraceColumn
              key={layer}
              layer={layer}
              entries={entries[layer]}
              total={system[layer].totalCount}
              chosen={chosen}
              lit={lit}
              choose={setChosen}
              sideways={(by) => focusColumn(layer, by)}
            />
          ))}
        </div>
        <SystemDetails system={system} id={chosen} />
      </div>
      {parts.error && <Failure error={parts.error} />}
      {parts.data?.system && <Interfaces system={parts.data.system} />}
    </>
  );
}
