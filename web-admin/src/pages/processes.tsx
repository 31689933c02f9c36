// All deployed processes, and the ways to get a new one.
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { type ApiError, asApiError, ask, graphql, tell } from "../api";
import { FirstSteps } from "../components/first-steps";
import { Bar } from "../components/outcomes";
import { Empty, Failure, Show } from "../components/states";
import { Workers } from "../components/workers";
import { interval, moment, percent } from "../format";
import { useLoad } from "../load";
import { newest } from "../newest";
import { useTitle } from "../title";

const PROCESSES = graphql(`
  query Processes {
    processDefinitions(first: 500) {
      totalCount
      nodes { id key processId name version deployedAt score { attempts average low high } }
    }
  }
`);

const DEPLOY = graphql(`
  mutation DeployFile($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key } } }
`);

export default function Processes() {
  useTitle("Processes");
  const [, go] = useLocation();
  const [filter, setFilter] = useState("");
  const [error, setError] = useState<ApiError>();
  const processes = useLoad("processes", () => ask(PROCESSES, {}), 10000);

  const deploy = async (file: File | undefined) => {
    if (!file) return;
    setError(undefined);
    try {
      const input = { fileName: file.name, xml: await file.text() };
      const { deployProcess } = await tell(DEPLOY, { input });
      const first = deployProcess.definitions[0];
      if (first) go(`/processes/${first.key}`);
    } catch (caught) {
      setError(asApiError(caught));
    }
  };

  return (
    <>
      <div class="title">
        <h1>Processes</h1>
        <div class="actions">
          <label class="button">
            Deploy a BPMN file
            <input
              type="file"
              accept=".bpmn,.xml"
              class="visually-hidden"
              onChange={(event) => void deploy(event.currentTarget.files?.[0])}
            />
          </label>
        </div>
      </div>
      {error && <Failure error={error} />}
      <Show of={processes}>
        {({ processDefinitions: { nodes } }) =>
          nodes.length === 0 ? (
            <Empty>
              <h2>No process yet</h2>
              <p>A process is a diagram that runs. Begin with one of these, or deploy a BPMN file above.</p>
              <FirstSteps />
            </Empty>
          ) : (
            <>
              <input
                type="search"
                placeholder="Filter by name"
                aria-label="Filter processes by name"
                value={filter}
                onInput={(event) => setFilter(event.currentTarget.value)}
                style="max-width:360px"
              />
              <section class="card scroll" aria-label="Process definitions">
                <table>
                  <thead>
                    <tr>
                      <th>Process</th>
                      <th class="wide-only">Version</th>
                      <th class="wide-only bar-column">Score</th>
                      <th>
                        <span class="visually-hidden">Score in numbers</span>
                      </th>
                      <th class="wide-only">Deployed</th>
                    </tr>
                  </thead>
                  <tbody>
                    {newest(nodes)
                      .filter((node) =>
                        `${node.name} ${node.processId}`.toLowerCase().includes(filter.toLowerCase()),
                      )
                      .map((node) => (
                        <tr key={node.key}>
                          <td>
                            <Link href={`/processes/${node.key}`}>{node.name}</Link>
                            <div class="quiet small mono">{node.processId}</div>
                          </td>
                          <td class="wide-only">{node.version}</td>
                          <td class="wide-only bar-column">
                            {node.score && node.score.attempts > 0 && (
                              <Bar share={node.score.average} {...node.score} />
                            )}
                          </td>
                          <td class="small">
                            {node.score && node.score.attempts > 0 ? (
                              <>
                                {percent(node.score.average)} ({interval(node.score.low, node.score.high)}),{" "}
                                {node.score.attempts}×
                              </>
                            ) : (
                              <span class="quiet">not run yet</span>
                            )}
                          </td>
                          <td class="quiet wide-only">{moment(node.deployedAt)}</td>
                        </tr>
                      ))}
                  </tbody>
                </table>
              </section>
            </>
          )
        }
      </Show>
      <Workers />
    </>
  );
}
