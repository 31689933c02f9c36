// Batting averages with their uncertainty: how well processes, tasks, prompts, tools and models do.
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { ask, graphql, type ResultOf } from "../api";
import { Bar } from "../components/outcomes";
import { Empty, Show } from "../components/states";
import { duration, interval, moment, percent } from "../format";
import { inWords } from "../inputs";
import { useLoad } from "../load";
import { byProcess } from "../newest";
import { useTitle } from "../title";

const SCORES = graphql(`
  query Scores($kind: ScoreKind) {
    processDefinitions(first: 500) { nodes { key processId name version } }
    scores(kind: $kind, first: 500) {
      totalCount
      nodes { kind subject version attempts successes average low high trend usage { lastUsedAt meanDurationMs cost } }
    }
  }
`);

type Row = ResultOf<typeof SCORES>["scores"]["nodes"][number];
const KINDS = ["PROCESS", "TASK", "PROMPT", "TOOL", "MODEL"] as const;
type Kind = (typeof KINDS)[number];

// Sorted by the lower end first: a lucky beginner does not stand above a proven one.
const ORDERS: Record<string, (a: Row, b: Row) => number> = {
  "Proven best": (a, b) => b.low - a.low,
  "Highest average": (a, b) => b.average - a.average,
  "Needs attention": (a, b) => a.high - b.high,
  "Most used": (a, b) => b.attempts - a.attempts,
  "Last used": (a, b) => (b.usage.lastUsedAt ?? 0) - (a.usage.lastUsedAt ?? 0),
};

export default function Scores() {
  useTitle("Scores");
  const [kind, setKind] = useState<Kind | "">("");
  const [order, setOrder] = useState("Proven best");
  const [filter, setFilter] = useState("");
  const scores = useLoad(`scores ${kind}`, () => ask(SCORES, { kind: kind === "" ? null : kind }), 5000);
  return (
    <>
      <div class="title">
        <h1>Scores</h1>
        <span class="quiet">
          how often it succeeded; the true rate lies in the interval in 95 of 100 cases
        </span>
      </div>
      <div class="row">
        <label class="inline">
          Of
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind | "")}>
            <option value="">everything</option>
            {KINDS.map((each) => (
              <option key={each} value={each}>
                {each.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <label class="inline">
          Order
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value)}>
            {Object.keys(ORDERS).map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label class="inline">
          Filter
          <input type="search" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        </label>
      </div>
      <Show of={scores}>
        {({ scores: { nodes }, processDefinitions }) => {
          const processes = byProcess(processDefinitions.nodes);
          const rows = nodes
            .filter((row) =>
              `${row.subject} ${processes.get(row.subject)?.name ?? ""}`
                .toLowerCase()
                .includes(filter.toLowerCase()),
            )
            .sort(ORDERS[order]);
          if (rows.length === 0)
            return (
              <Empty>
                <h2>Nothing has been scored yet</h2>
                <p>
                  Run a process: every finished task and run counts. Steps that only pass through never do.
                </p>
              </Empty>
            );
          return <ScoreTable rows={rows} processes={processes} />;
        }}
      </Show>
    </>
  );
}

type Processes = Map<string, { key: string; name: string }>;

/** A process by its name, as a link; its id where it is not deployed any more. */
function ProcessName({ id, processes }: { id: string; processes: Processes }) {
  const process = processes.get(id);
  if (!process) return id;
  return <Link href={`/processes/${process.key}`}>{process.name}</Link>;
}

/** A task's subject is `process/task`: the task first, its process below it. */
function Subject({ row, processes }: { row: Row; processes: Processes }) {
  const at = row.kind === "TASK" ? row.subject.indexOf("/") : -1;
  const version = row.version !== null && <span class="quiet"> v{row.version}</span>;
  if (at < 0)
    return (
      <>
        {row.kind === "PROCESS" ? <ProcessName id={row.subject} processes={processes} /> : row.subject}
        {version}
      </>
    );
  return (
    <>
      {inWords(row.subject.slice(at + 1))}
      {version}
      <div class="quiet small">
        <ProcessName id={row.subject.slice(0, at)} processes={processes} />
      </div>
    </>
  );
}

function ScoreTable({ rows, processes }: { rows: Row[]; processes: Processes }) {
  return (
    <section class="scroll card" aria-label="Scores">
      <table class="lines">
        <thead>
          <tr>
            <th>What</th>
            <th class="wide-only">Kind</th>
            <th class="bar-column">0 to 100 %</th>
            <th class="number">Average</th>
            <th class="number wide-only">95 % interval</th>
            <th class="number wide-only">Successes</th>
            <th class="number wide-only">Mean time</th>
            <th class="wide-only">Last used</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.kind} ${row.subject} ${row.version}`}>
              <td>
                <Subject row={row} processes={processes} />
              </td>
              <td class="quiet wide-only">{row.kind.toLowerCase()}</td>
              <td class="outcome-cell">
                <Bar share={row.average} low={row.low} high={row.high} />
              </td>
              <td class="number">{percent(row.average)}</td>
              <td class="number wide-only">{interval(row.low, row.high)}</td>
              <td class="number wide-only">
                {row.successes} of {row.attempts}
              </td>
              <td class="number wide-only">
                {row.usage.meanDurationMs === null ? "" : duration(row.usage.meanDurationMs)}
              </td>
              <td class="quiet wide-only">
                {row.usage.lastUsedAt === null ? "" : moment(row.usage.lastUsedAt)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
