// One process: look at it, change it, check it, try it, save it as a new version, run it.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Link, useLocation, useParams } from "wouter-preact";
import { note } from "../acts";
import { type ApiError, asApiError, ask, graphql, type ResultOf, tell } from "../api";
import { asking, looking } from "../components/asking";
import { DRY_RUN, type DryRun, DryRunView } from "../components/dry-run";
import { CHECK, type Finding, Findings, marksOf } from "../components/findings";
import { RunForm } from "../components/run-form";
import { SIMULATE, type Simulation, SimulationResult } from "../components/simulation";
import { Empty, Failure, Show } from "../components/states";
import { Status } from "../components/status";
import { Versions } from "../components/versions";
import { steps } from "../diagram/changes";
import { Diagram } from "../diagram/diagram";
import { Editor, type EditorHandle } from "../diagram/editor";
import { type Marks, NO_MARKS } from "../diagram/marks";
import { count, duration, interval, moment, percent } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const PROCESS = graphql(`
  query Process($key: Key!) {
    processDefinition(key: $key) {
      id key processId name version resource checksum deployedAt xml
      inputs { name default compared readBy certain }
      versions { key version deployedAt }
      score { attempts successes average low high }
      instances(first: 20) {
        totalCount
        nodes { id key status startedAt endedAt businessKey incidents { message } variables }
      }
    }
  }
`);
const DEPLOY = graphql(`
  mutation SaveVersion($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key processId version } } }
`);
const START = graphql(`mutation Start($input: StartProcessInput!) { startProcess(input: $input) { key } }`);

/** Trials of one press of the button: enough to see how it ends, done in a few seconds. */
const TRIALS = 200;

type Definition = NonNullable<ResultOf<typeof PROCESS>["processDefinition"]>;

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

/** What the buttons of the page do, one at a time, and what came of it. */
function useActions(definition: Definition) {
  const [, go] = useLocation();
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<ApiError>();
  const [findings, setFindings] = useState<readonly Finding[]>();
  const [simulation, setSimulation] = useState<Simulation>();
  const [dryRun, setDryRun] = useState<{ run: DryRun; xml: string }>();

  const attempt = async (name: string, work: () => Promise<void>) => {
    setBusy(name);
    setError(undefined);
    try {
      await work();
    } catch (caught) {
      setError(asApiError(caught));
    }
    setBusy("");
  };
  return {
    busy,
    error,
    findings,
    simulation,
    dryRun,
    /** The process is another one now: what was found out about it does not count any more. */
    forget: () => {
      setFindings(undefined);
      setDryRun(undefined);
    },
    closeDryRun: () => setDryRun(undefined),
    check: (xml: () => Promise<string>) =>
      attempt("check", async () => {
        setDryRun(undefined);
        setFindings((await tell(CHECK, { xml: await xml() })).checkProcess);
      }),
    save: (xml: () => Promise<string>) =>
      attempt("save", async () => {
        const input = { fileName: definition.resource, xml: await xml() };
        const { definitions } = (await tell(DEPLOY, { input })).deployProcess;
        const saved = definitions.find(({ processId }) => processId === definition.processId);
        const place = saved ?? definitions[0];
        note("SAVE", definition.processId);
        if (place) go(`/processes/${place.key}`);
      }),
    simulate: () =>
      attempt("simulate", async () => {
        const input = { definitionKey: definition.key, cases: TRIALS };
        setSimulation((await tell(SIMULATE, { input })).simulateProcess);
      }),
    start: async (variables: Record<string, unknown>) => {
      const input = { definitionKey: definition.key, variables };
      go(`/runs/${(await tell(START, { input })).startProcess.key}`);
    },
    tryOut: async (xml: string, variables: Record<string, unknown>) => {
      const input = { xml, processId: definition.processId, variables };
      setDryRun({ run: (await tell(DRY_RUN, { input })).dryRunProcess, xml });
      setFindings(undefined);
    },
  };
}

function Content({ definition }: { definition: Definition }) {
  useTitle(definition.name);
  const [editing, setEditing] = useState(false);
  const [changed, setChanged] = useState(false);
  const [running, setRunning] = useState(false);
  const [lit, setLit] = useState<Marks>(NO_MARKS);
  const editor = useRef<EditorHandle | undefined>(undefined);
  const actions = useActions(definition);
  const { busy, findings, dryRun } = actions;
  const xml = useCallback(
    async () => (editing && editor.current ? editor.current.xml() : definition.xml),
    [editing, definition.xml],
  );
  const names = useMemo(() => steps(dryRun?.xml ?? definition.xml), [dryRun, definition.xml]);
  const found = useMemo(() => (findings ? marksOf(findings) : NO_MARKS), [findings]);
  const marks = dryRun ? lit : found;

  // Whoever asks DAS here means this process, as it is at that moment.
  useEffect(() => {
    looking.value = { name: definition.name, xml };
    return () => {
      looking.value = undefined;
    };
  }, [definition.name, xml]);

  useEffect(() => note("VIEW", definition.processId), [definition.processId]);

  const leaveOrEnter = () => {
    if (editing && changed && !confirm("Leave without saving? What you changed is lost.")) return;
    if (editing && changed) note("LEAVE", definition.processId);
    setEditing(!editing);
    setChanged(false);
    actions.forget();
  };
  const select = (id: string | undefined) => {
    if (looking.value)
      looking.value = { ...looking.value, step: id === undefined ? undefined : names.get(id) };
  };
  const last = definition.instances.nodes[0]?.variables as Record<string, unknown> | undefined;

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
          <button
            type="button"
            onClick={() => {
              asking.value = {};
            }}
          >
            Ask DAS to change it
          </button>
          <button type="button" onClick={() => void actions.check(xml)} disabled={busy !== ""}>
            Check
          </button>
          {!editing && (
            <button type="button" onClick={() => void actions.simulate()} disabled={busy !== ""}>
              {busy === "simulate" ? "Trying …" : `Try ${TRIALS} times`}
            </button>
          )}
          <button
            type="button"
            class={editing ? "" : "primary"}
            aria-expanded={running}
            onClick={() => setRunning(!running)}
          >
            {editing ? "Dry run" : "Run"}
          </button>
          {editing && (
            <button
              type="button"
              class="primary"
              onClick={() => void actions.save(xml)}
              disabled={!changed || busy !== ""}
            >
              Save as a new version
            </button>
          )}
        </div>
      </div>
      {actions.error && <Failure error={actions.error} />}
      {running && (
        <RunForm
          key={String(editing)}
          inputs={definition.inputs}
          last={last}
          start={editing ? undefined : actions.start}
          dryRun={async (variables) => actions.tryOut(await xml(), variables)}
        />
      )}
      {dryRun && (
        <DryRunView
          run={dryRun.run}
          named={(id) => names.get(id) ?? id}
          light={setLit}
          close={actions.closeDryRun}
        />
      )}
      {findings && <Findings findings={findings} select={editing ? editor.current?.select : undefined} />}
      {actions.simulation && !editing && <SimulationResult simulation={actions.simulation} />}
      {editing ? (
        <Editor
          xml={definition.xml}
          marks={marks}
          onReady={(handle) => {
            editor.current = handle;
          }}
          onUndo={() => note("UNDO", definition.processId)}
          onChange={(element) => {
            note("EDIT", definition.processId, element);
            setChanged(true);
            actions.forget();
          }}
          onSelect={select}
        />
      ) : (
        <Diagram
          xml={definition.xml}
          marks={marks}
          tall
          words
          label={`Diagram of ${definition.name}`}
          onSelect={select}
        />
      )}
      {!editing && (
        <>
          <Instances definition={definition} />
          <Versions name={definition.name} here={definition} versions={definition.versions} />
        </>
      )}
    </>
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
              <td class="number wide-only">
                {run.endedAt === null ? "" : duration(run.endedAt - run.startedAt)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
