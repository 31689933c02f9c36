// All systems, and the way to build one from requirements.
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { ApiError, ask, follow, graphql, tell } from "../api";
import { Empty, Failure, Show } from "../components/states";
import { count, moment, percent } from "../format";
import { useLoad } from "../load";

const SYSTEMS = graphql(`
  query Systems {
    systems(first: 200) {
      totalCount
      nodes {
        id name version changedAt requirementCount componentCount processCount functionCount
        coverage { ratio requirements allocated conflicts { why } }
      }
    }
  }
`);

const BOOTSTRAP = graphql(`
  mutation Bootstrap($input: BootstrapSystemInput!) { bootstrapSystem(input: $input) { id state } }
`);

const PROGRESS = graphql(`
  subscription BootstrapProgress($job: ID!) {
    bootstrapProgress(job: $job) { position stage done total finished }
  }
`);

const JOB = graphql(`
  query JobResult($id: ID!) { job(id: $id) { id state result error { code message hint } } }
`);

interface Step {
  stage: string;
  done: number;
  total: number;
}

export default function Systems() {
  const systems = useLoad("systems", () => ask(SYSTEMS, {}));
  const [building, setBuilding] = useState(false);
  return (
    <>
      <div class="title">
        <h1>Systems</h1>
        <div class="actions">
          <button
            type="button"
            class="primary"
            onClick={() => setBuilding(!building)}
            aria-expanded={building}
          >
            Build a system from requirements
          </button>
        </div>
      </div>
      {building && <BuildSystem />}
      <Show of={systems}>
        {({ systems: { nodes } }) =>
          nodes.length === 0 ? (
            <Empty>
              <h2>No system yet</h2>
              <p>
                Give ProcOS a list of requirements and it builds components, functions and running processes
                from them.
              </p>
              {!building && (
                <button type="button" class="primary" onClick={() => setBuilding(true)}>
                  Build the first one
                </button>
              )}
            </Empty>
          ) : (
            <ul class="cards" style="list-style:none;margin:0;padding:0">
              {nodes.map((system) => (
                <li key={system.id} class="card stack">
                  <h2>
                    <Link href={`/systems/${encodeURIComponent(system.name)}`}>{system.name}</Link>
                  </h2>
                  <div class="row">
                    <span class="tag">{count(system.requirementCount, "requirement")}</span>
                    <span class="tag">{count(system.componentCount, "component")}</span>
                    <span class="tag">{count(system.processCount, "process", "processes")}</span>
                    <span class="tag">{count(system.functionCount, "function")}</span>
                    {system.coverage.conflicts.length > 0 && (
                      <span class="tag bad">{count(system.coverage.conflicts.length, "contradiction")}</span>
                    )}
                  </div>
                  <div>
                    <div class="meter">
                      <span style={{ width: `${system.coverage.ratio * 100}%` }} />
                    </div>
                    <p class="small quiet">
                      {percent(system.coverage.ratio)} of the requirements allocated · change {system.version}
                      , {moment(system.changedAt)}
                    </p>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </>
  );
}

function BuildSystem() {
  const [, go] = useLocation();
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [fileName, setFileName] = useState<string>();
  const [run, setRun] = useState(true);
  const [steps, setSteps] = useState<Step[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  const takeFile = async (file: File | undefined) => {
    if (!file) return;
    setText(await file.text());
    setFileName(file.name);
    if (name === "") setName(file.name.replace(/\.[^.]+$/, ""));
  };

  const build = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    setSteps([]);
    try {
      const input = { name: name.trim(), content: text, fileName: fileName ?? "requirements.md", run };
      const { bootstrapSystem: job } = await tell(BOOTSTRAP, { input });
      await new Promise<void>((resolve) => {
        const stop = follow(
          PROGRESS,
          { job: job.id },
          ({ bootstrapProgress: step }) => {
            setSteps((before) => [...before.filter(({ stage }) => stage !== step.stage), step]);
            if (step.finished) {
              stop();
              resolve();
            }
          },
          () => resolve(),
        );
      });
      const { job: end } = await ask(JOB, { id: job.id });
      if (end?.error) throw new ApiError(end.error.message, end.error.code, end.error.hint ?? undefined);
      go(`/systems/${encodeURIComponent(name.trim())}`);
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError(String(caught)));
      setBusy(false);
    }
  };

  return (
    <form class="card" onSubmit={build}>
      <h2>Build a system from requirements</h2>
      <p class="quiet">
        Paste requirements (one a line, a Markdown list, or CSV with <code>id,text</code>), or choose a file.
      </p>
      <label>
        Name
        <input
          required
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
          placeholder="light-aircraft"
        />
      </label>
      <label>
        Requirements
        <textarea
          required
          rows={10}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            void takeFile(event.dataTransfer?.files[0]);
          }}
          placeholder={
            "- R-1: The aircraft shall carry two persons.\n- R-2: The take-off mass shall not exceed 600 kg."
          }
        />
      </label>
      <div class="row">
        <label>
          <span class="visually-hidden">File with requirements</span>
          <input
            type="file"
            accept=".md,.csv,.txt,text/*"
            onChange={(event) => void takeFile(event.currentTarget.files?.[0])}
          />
        </label>
        <label class="inline">
          <input type="checkbox" checked={run} onChange={(event) => setRun(event.currentTarget.checked)} />
          Run the processes when they are built
        </label>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Building …" : "Build"}
        </button>
      </div>
      {error && <Failure error={error} />}
      {steps.length > 0 && (
        <ol aria-live="polite">
          {steps.map((step) => (
            <li key={step.stage}>
              {step.stage} {step.total > 0 && <span class="quiet">{`${step.done} of ${step.total}`}</span>}
            </li>
          ))}
        </ol>
      )}
    </form>
  );
}
