// One system: requirements | components | processes | functions; choosing anything lights up its line both ways.
import { useMemo, useState } from "preact/hooks";
import { Link, useParams } from "wouter-preact";
import { ask } from "../api";
import { Gaps } from "../components/gaps";
import { Interfaces } from "../components/interfaces";
import { Empty, Show } from "../components/states";
import { SystemDetails } from "../components/system-details";
import { type Entry, TraceColumn } from "../components/trace-column";
import { percent } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";
import { LAYERS, type Layer, line, neighbours, treeOrder } from "../trace";
import { SYSTEM, type SystemData } from "./system-query";

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

function Content({ system }: { system: SystemData }) {
  const [chosen, setChosen] = useState<string>();
  const index = useMemo(() => neighbours(system.links), [system.links]);
  const entries = useMemo(() => columns(system), [system]);
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
      <Interfaces system={system} />
    </>
  );
}
