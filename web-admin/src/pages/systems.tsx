// All systems, and the way to build one from requirements.
import { useState } from "preact/hooks";
import { Link, useLocation, useSearch } from "wouter-preact";
import { type ApiError, asApiError, ask, graphql, tell } from "../api";
import { Empty, Failure, Show } from "../components/states";
import { TakeIn } from "../components/take-in";
import { BeingBuilt } from "../components/underway";
import { count, moment, percent } from "../format";
import { see } from "../jobs";
import { useLoad } from "../load";
import { useTitle } from "../title";

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

export default function Systems() {
  useTitle("Systems");
  const systems = useLoad("systems", () => ask(SYSTEMS, {}));
  const [building, setBuilding] = useState(new URLSearchParams(useSearch()).has("build"));
  const [taking, setTaking] = useState(false);
  return (
    <>
      <div class="title">
        <h1>Systems</h1>
        <div class="actions">
          <button type="button" onClick={() => setTaking(!taking)} aria-expanded={taking}>
            Take in a file of another tool
          </button>
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
      {taking && <TakeIn />}
      {building && <BuildSystem />}
      <BeingBuilt />
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
            <ul class="cards plain">
              {nodes.map((system) => (
                <li key={system.id} class="card stack">
                  <h2>
                    <Link href={`/systems/${encodeURIComponent(system.name)}`}>{system.name}</Link>
                  </h2>
                  <dl class="numbers">
                    {[
                      ["requirements", system.requirementCount] as const,
                      ["components", system.componentCount] as const,
                      ["processes", system.processCount] as const,
                      ["functions", system.functionCount] as const,
                    ].map(([name, number]) => (
                      <div key={name}>
                        <dt>{name}</dt>
                        <dd>{number.toLocaleString()}</dd>
                      </div>
                    ))}
                  </dl>
                  <div class="stack tight">
                    <div class="meter">
                      <span style={{ width: `${system.coverage.ratio * 100}%` }} />
                    </div>
                    <p class="small">{percent(system.coverage.ratio)} of the requirements are allocated</p>
                    {system.coverage.conflicts.length > 0 && (
                      <span>
                        <span class="tag bad">
                          {count(system.coverage.conflicts.length, "contradiction")}
                        </span>
                      </span>
                    )}
                    <p class="small quiet">
                      change {system.version}, {moment(system.changedAt)}
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

const CONSULT = graphql(`
  mutation ConsultModel($input: ProposeSystemInput!) { consultModel(input: $input) { id } }
`);

/** Whoever built a system before may look at the difference and decide then. */
const PROPOSE = graphql(`
  mutation ProposeSystem($input: ProposeSystemInput!) { proposeSystem(input: $input) { id } }
`);

function BuildSystem() {
  const [, go] = useLocation();
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [fileName, setFileName] = useState<string>();
  const [run, setRun] = useState(true);
  const [withModel, setWithModel] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  // Left out, what a model said of this system before stays, and nobody is asked.
  const source = () => ({
    name: name.trim(),
    content: text,
    fileName: fileName ?? "requirements.md",
    ...(withModel ? { withModel } : {}),
  });

  const takeFile = async (file: File | undefined) => {
    if (!file) return;
    setText(await file.text());
    setFileName(file.name);
    if (name === "") setName(file.name.replace(/\.[^.]+$/, ""));
  };

  const build = async (event: Event) => {
    event.preventDefault();
    const from = window.location.pathname;
    setBusy(true);
    setError(undefined);
    try {
      const input = { ...source(), run };
      const { bootstrapSystem: job } = await tell(BOOTSTRAP, { input });
      await see(job.id, name.trim());
      // Whoever went on to another page is not fetched back.
      if (window.location.pathname === from) go(`/systems/${encodeURIComponent(name.trim())}`);
    } catch (caught) {
      setError(asApiError(caught));
      setBusy(false);
    }
  };

  const propose = async () => {
    setBusy(true);
    setError(undefined);
    try {
      if (withModel) {
        const { consultModel: job } = await tell(CONSULT, { input: source() });
        await see(job.id, name);
      }
      await tell(PROPOSE, { input: source() });
      go("/proposals");
    } catch (caught) {
      setError(asApiError(caught));
      setBusy(false);
    }
  };

  return (
    <form class="card readable" onSubmit={build}>
      <h2>Build a system from requirements</h2>
      <p class="quiet">
        Paste requirements (one a line, a Markdown list, or CSV with <code>id,text</code>), drop a file on the
        field, or choose one.
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
        <label class="button">
          {fileName ?? "Choose a file"}
          <input
            type="file"
            accept=".md,.csv,.txt,text/*"
            class="visually-hidden"
            onChange={(event) => void takeFile(event.currentTarget.files?.[0])}
          />
        </label>
        <label class="inline">
          <input type="checkbox" checked={run} onChange={(event) => setRun(event.currentTarget.checked)} />
          Run the processes when they are built
        </label>
        <label class="inline">
          <input
            type="checkbox"
            checked={withModel}
            onChange={(event) => setWithModel(event.currentTarget.checked)}
          />
          Let the language model fill what the rules leave open
        </label>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Building …" : "Build"}
        </button>
        <button
          type="button"
          disabled={busy || name.trim() === "" || text.trim() === ""}
          onClick={() => void propose()}
        >
          See first what it changes
        </button>
      </div>
      {error && <Failure error={error} />}
    </form>
  );
}
