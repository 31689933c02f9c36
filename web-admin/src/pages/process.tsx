// One process: look at it, change it, check it, save it as a new version, run it, try it many times.
import { useRef, useState } from "preact/hooks";
import { Link, useLocation, useParams } from "wouter-preact";
import { ApiError, ask, graphql, type ResultOf, tell } from "../api";
import { asking } from "../components/asking";
import { Outcomes } from "../components/outcomes";
import { Empty, Failure, Show } from "../components/states";
import { Status } from "../components/status";
import { Diagram } from "../diagram/diagram";
import { Editor, type EditorHandle } from "../diagram/editor";
import { count, duration, interval, moment, percent } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const PROCESS = graphql(`
  query Process($key: Key!) {
    processDefinition(key: $key) {
      id key processId name version resource checksum deployedAt xml
      score { attempts successes average low high }
      instances(first: 20) {
        totalCount
        nodes { id key status startedAt endedAt businessKey incidents { message } variables }
      }
    }
  }
`);
const CHECK = graphql(`
  mutation Check($xml: String!) { checkProcess(xml: $xml) { code severity elementId line message hint } }
`);
const DEPLOY = graphql(`
  mutation SaveVersion($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key processId version } } }
`);
const START = graphql(`mutation Start($input: StartProcessInput!) { startProcess(input: $input) { key } }`);
const SIMULATE = graphql(`
  mutation Simulate($input: SimulateProcessInput!) {
    simulateProcess(input: $input) {
      cases completed notes endings { label share low high count }
      elements { elementId name visits outcomes { label share low high count } }
    }
  }
`);

type Definition = NonNullable<ResultOf<typeof PROCESS>["processDefinition"]>;
type Finding = ResultOf<typeof CHECK>["checkProcess"][number];
type Simulation = ResultOf<typeof SIMULATE>["simulateProcess"];

export default function Process() {
  const { key } = useParams<{ key: string }>();
  const loaded = useLoad(`process ${key}`, () => ask(PROCESS, { key }));
  return (
    <Show of={loaded}>
      {({ processDefinition }) =>
        processDefinition ? (
          <Content key={processDefinition.key} definition={processDefinition} />
        ) : (
          <Empty>
            <h1>There is no process {key}</h1>
            <Link href="/processes">All processes</Link>
          </Empty>
        )
      }
    </Show>
  );
}

function Content({ definition }: { definition: Definition }) {
  useTitle(definition.name);
  const [, go] = useLocation();
  const [editing, setEditing] = useState(false);
  const [changed, setChanged] = useState(false);
  const [running, setRunning] = useState(false);
  const [findings, setFindings] = useState<readonly Finding[]>();
  const [simulation, setSimulation] = useState<Simulation>();
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<ApiError>();
  const editor = useRef<EditorHandle | undefined>(undefined);

  const attempt = async (name: string, work: () => Promise<void>) => {
    setBusy(name);
    setError(undefined);
    try {
      await work();
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError(String(caught)));
    }
    setBusy("");
  };
  const leaveOrEnter = () => {
    if (editing && changed && !confirm("Leave without saving? What you changed is lost.")) return;
    setEditing(!editing);
    setChanged(false);
  };
  const currentXml = async () => (editing && editor.current ? editor.current.xml() : definition.xml);

  const check = () =>
    attempt("check", async () => setFindings((await tell(CHECK, { xml: await currentXml() })).checkProcess));
  const save = () =>
    attempt("save", async () => {
      const input = { fileName: definition.resource, xml: await currentXml() };
      const { deployProcess } = await tell(DEPLOY, { input });
      const saved =
        deployProcess.definitions.find(({ processId }) => processId === definition.processId) ??
        deployProcess.definitions[0];
      if (saved) go(`/processes/${saved.key}`);
    });
  const simulate = () =>
    attempt("simulate", async () =>
      setSimulation(
        (await tell(SIMULATE, { input: { definitionKey: definition.key, cases: 200 } })).simulateProcess,
      ),
    );

  return (
    <>
      <div class="title">
        <h1>{definition.name}</h1>
        <span class="quiet">
          version {definition.version}, {moment(definition.deployedAt)}
          {definition.score && definition.score.attempts > 0 && (
            <>
              {" "}
              · score {percent(definition.score.average)} (
              {interval(definition.score.low, definition.score.high)})
            </>
          )}
        </span>
        <div class="actions">
          <button type="button" onClick={leaveOrEnter}>
            {editing ? "Stop editing" : "Edit"}
          </button>
          {!editing && (
            <button
              type="button"
              onClick={() => {
                asking.value = { change: { name: definition.name, xml: definition.xml } };
              }}
            >
              Ask DAS to change it
            </button>
          )}
          <button type="button" onClick={() => void check()} disabled={busy !== ""}>
            Check
          </button>
          {editing && (
            <button
              type="button"
              class="primary"
              onClick={() => void save()}
              disabled={!changed || busy !== ""}
            >
              Save as a new version
            </button>
          )}
          {!editing && (
            <>
              <button type="button" onClick={() => void simulate()} disabled={busy !== ""}>
                {busy === "simulate" ? "Trying …" : "Try 200 times"}
              </button>
              <button
                type="button"
                class="primary"
                aria-expanded={running}
                onClick={() => setRunning(!running)}
              >
                Run
              </button>
            </>
          )}
        </div>
      </div>
      {error && <Failure error={error} />}
      {running && !editing && <RunForm definition={definition} />}
      {findings && <Findings findings={findings} />}
      {simulation && !editing && <SimulationResult simulation={simulation} />}
      {editing ? (
        <Editor
          xml={definition.xml}
          onReady={(handle) => {
            editor.current = handle;
          }}
          onChange={() => setChanged(true)}
        />
      ) : (
        <Diagram xml={definition.xml} tall words label={`Diagram of ${definition.name}`} />
      )}
      {!editing && <Instances definition={definition} />}
    </>
  );
}

function RunForm({ definition }: { definition: Definition }) {
  const [, go] = useLocation();
  // Whoever runs it again most often wants the inputs of the last time.
  const last = definition.instances.nodes[0]?.variables;
  const [text, setText] = useState(JSON.stringify(last ?? {}, null, 2));
  const [dryRun, setDryRun] = useState(false);
  const [error, setError] = useState<ApiError>();
  const start = async (event: Event) => {
    event.preventDefault();
    try {
      const variables: unknown = JSON.parse(text);
      const { startProcess } = await tell(START, {
        input: { definitionKey: definition.key, variables, dryRun },
      });
      go(`/runs/${startProcess.key}`);
    } catch (caught) {
      setError(
        caught instanceof ApiError
          ? caught
          : new ApiError(
              `The variables are not JSON: ${String(caught)}`,
              undefined,
              'Write an object, e.g. {"payload_kg": 30}',
            ),
      );
    }
  };
  return (
    <form class="card readable" onSubmit={start}>
      <h2>Run it</h2>
      <label>
        Variables as JSON
        <textarea
          rows={6}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          spellcheck={false}
        />
      </label>
      <label class="inline">
        <input
          type="checkbox"
          checked={dryRun}
          onChange={(event) => setDryRun(event.currentTarget.checked)}
        />
        Only try it: no effects outside, nothing counted in scores
      </label>
      {error && <Failure error={error} />}
      <div class="row">
        <button type="submit" class="primary">
          Turn the key
        </button>
      </div>
    </form>
  );
}

function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0)
    return (
      <div class="notice good" role="status">
        Nothing to complain about: it can be executed, and every path reaches an end.
      </div>
    );
  return (
    <section class="card" role="status" aria-label="Findings">
      <h2>{count(findings.length, "finding")}</h2>
      <ul class="plain">
        {findings.map((finding) => (
          <li key={`${finding.code}${finding.elementId}${finding.message}`}>
            <span class={`tag ${finding.severity === "error" ? "bad" : "warn"}`}>{finding.severity}</span>{" "}
            {finding.elementId && <span class="mono">{finding.elementId}: </span>}
            {finding.message}
            {finding.hint && <span class="quiet"> {finding.hint}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function SimulationResult({ simulation }: { simulation: Simulation }) {
  return (
    <section class="card stack" role="status" aria-label="Simulation">
      <h2>{count(simulation.cases, "trial")}</h2>
      <Outcomes outcomes={[...simulation.endings]} />
      {simulation.elements
        .filter((element) => element.outcomes.length > 0)
        .map((element) => (
          <div key={element.elementId}>
            <h3>{element.name}</h3>
            <Outcomes outcomes={[...element.outcomes]} />
          </div>
        ))}
      {simulation.notes.map((note) => (
        <p key={note} class="small quiet">
          {note}
        </p>
      ))}
    </section>
  );
}

function Instances({ definition }: { definition: Definition }) {
  const { nodes, totalCount } = definition.instances;
  if (nodes.length === 0)
    return (
      <Empty>
        <p>This version has not been run yet. Turn the key with “Run”.</p>
      </Empty>
    );
  return (
    <section class="card scroll" aria-label="Runs">
      <h2>{count(totalCount, "run")}</h2>
      <table>
        <tbody>
          {nodes.map((run) => (
            <tr key={run.key}>
              <td>
                <Link href={`/runs/${run.key}`}>{run.businessKey ?? `Run ${run.key}`}</Link>
              </td>
              <td>
                <Status status={run.status} incidents={run.incidents.length} />
              </td>
              <td class="quiet">{moment(run.startedAt)}</td>
              <td class="number">{run.endedAt === null ? "" : duration(run.endedAt - run.startedAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
