// All runs, newest first.
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { ask, graphql } from "../api";
import { Empty, Show } from "../components/states";
import { Status } from "../components/status";
import { count, duration, moment } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const RUNS = graphql(`
  query Runs($status: InstanceStatus, $after: String) {
    processInstances(status: $status, first: 50, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { id key processId version status businessKey startedAt endedAt definition { name } incidents { message } }
    }
  }
`);

const STATES = ["ACTIVE", "SUSPENDED", "COMPLETED", "FAILED", "TERMINATED"] as const;
type State = (typeof STATES)[number];

export default function Runs() {
  useTitle("Runs");
  const [status, setStatus] = useState<State | "">("");
  const [pages, setPages] = useState<string[]>([]);
  const after = pages.at(-1) ?? null;
  const runs = useLoad(
    `runs ${status} ${after}`,
    () => ask(RUNS, { status: status === "" ? null : status, after }),
    3000,
  );
  return (
    <>
      <div class="title">
        <h1>Runs</h1>
        <label class="inline">
          Show
          <select
            value={status}
            onChange={(event) => {
              setStatus(event.currentTarget.value as State | "");
              setPages([]);
            }}
          >
            <option value="">all</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {state.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Show of={runs}>
        {({ processInstances: { nodes, totalCount, pageInfo } }) =>
          nodes.length === 0 ? (
            <Empty>
              <h2>No runs</h2>
              <p>
                Open a <Link href="/processes">process</Link> and run it.
              </p>
            </Empty>
          ) : (
            <section class="card scroll" aria-label="Runs">
              <table>
                <caption class="visually-hidden">{count(totalCount, "run")}</caption>
                <thead>
                  <tr>
                    <th>Run</th>
                    <th>Process</th>
                    <th>State</th>
                    <th class="wide-only">Started</th>
                    <th class="number wide-only">Took</th>
                  </tr>
                </thead>
                <tbody>
                  {nodes.map((run) => (
                    <tr key={run.key}>
                      <td>
                        <Link href={`/runs/${run.key}`}>{run.businessKey ?? `Run ${run.key}`}</Link>
                      </td>
                      <td>
                        {run.definition.name} <span class="quiet">v{run.version}</span>
                      </td>
                      <td>
                        <Status status={run.status} incidents={run.incidents.length} />
                      </td>
                      <td class="quiet wide-only">{moment(run.startedAt)}</td>
                      <td class="number wide-only">
                        {run.endedAt === null ? "" : duration(run.endedAt - run.startedAt)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <div class="row" style="padding-top:12px">
                <button
                  type="button"
                  disabled={pages.length === 0}
                  onClick={() => setPages(pages.slice(0, -1))}
                >
                  Newer
                </button>
                <button
                  type="button"
                  disabled={!pageInfo.hasNextPage}
                  onClick={() => pageInfo.endCursor && setPages([...pages, pageInfo.endCursor])}
                >
                  Older
                </button>
              </div>
            </section>
          )
        }
      </Show>
    </>
  );
}
