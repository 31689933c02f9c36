// One prompt: its versions beside what is in use, tested, compared, approved, tried out and rolled back.
import { useState } from "preact/hooks";
import { useParams } from "wouter-preact";
import { type ApiError, asApiError, ask, graphql, type ResultOf, tell } from "../api";
import { CancelJob } from "../components/cancel-job";
import { Progress } from "../components/progress";
import { Rate } from "../components/rate";
import { Empty, Failure, Show } from "../components/states";
import { count, interval, moment, percent } from "../format";
import { type Step, untilOver } from "../job";
import { lineDiff } from "../line-diff";
import { useLoad } from "../load";
import { useTitle } from "../title";

const PROMPT = graphql(`
  query Prompt($name: String!) {
    prompt(name: $name) {
      name
      tests
      versions {
        version labels note author savedAt approvals definition
        messages { role text }
        passRate { attempts average low high }
      }
      reports { report version model decision runs passes average low high cost medianMs at reason }
      comparisons { candidate baseline better difference low high exactP at }
      experiment { open enough winner arms { label version tasks successes probabilityBest } }
    }
    promptProcesses(prompt: $name) { processId average low high influences { prompt uncertainty gain } }
  }
`);
const TEST = graphql(`
  mutation StartPromptTest($input: TestPromptInput!) { startPromptTest(input: $input) { id } }
`);
const COMPARE = graphql(`
  mutation ComparePrompt($input: ComparePromptInput!) { comparePrompt(input: $input) { id } }
`);
const APPROVE = graphql(`
  mutation ApprovePrompt($input: ApprovePromptInput!) { approvePrompt(input: $input) { name } }
`);
const ROLL_BACK = graphql(`
  mutation RollBackPrompt($name: String!) { rollBackPrompt(name: $name) { name } }
`);
const SAVE = graphql(`
  mutation SavePrompt($input: SavePromptInput!) { savePrompt(input: $input) { name } }
`);

type Found = NonNullable<ResultOf<typeof PROMPT>["prompt"]>;
type Version = Found["versions"][number];

const short = (version: string) => version.slice(0, 12);
const text = (version: Version) => version.messages.map(({ role, text }) => `${role}:\n${text}`).join("\n\n");

export default function Prompt() {
  const { name: given = "" } = useParams<{ name: string }>();
  const name = decodeURIComponent(given);
  useTitle(name);
  const loaded = useLoad(`prompt ${name}`, () => ask(PROMPT, { name }));
  return (
    <Show of={loaded}>
      {({ prompt, promptProcesses }) =>
        prompt ? (
          <Whole prompt={prompt} processes={promptProcesses} again={loaded.again} />
        ) : (
          <>
            <h1>{name}</h1>
            <Empty>
              <p>There is no prompt of this name.</p>
            </Empty>
          </>
        )
      }
    </Show>
  );
}

function Whole({
  prompt,
  processes,
  again,
}: {
  prompt: Found;
  processes: ResultOf<typeof PROMPT>["promptProcesses"];
  again: () => void;
}) {
  const [steps, setSteps] = useState<Step[]>([]);
  const [job, setJob] = useState<string>();
  const [error, setError] = useState<ApiError>();
  const [said, setSaid] = useState("");
  const [actor, setActor] = useState("local");
  const busy = steps.length > 0;
  const production = prompt.versions.find(({ labels }) => labels.includes("production"));
  const newest = [...prompt.versions].reverse();

  /** Does something, says how it went, and shows what is there then. */
  const act = async (what: () => Promise<unknown>, done: string) => {
    setError(undefined);
    setSaid("");
    try {
      await what();
      setSaid(done);
    } catch (caught) {
      setError(asApiError(caught));
    }
    setSteps([]);
    again();
  };
  const follow = async (id: string, stage: string) => {
    setSteps([{ position: 0, stage, done: 0, total: 0, finished: false }]);
    setJob(id);
    await untilOver(id, (step) => setSteps([{ ...step, stage: `${stage}: ${step.stage}` }]));
  };
  const test = (version: string) =>
    act(
      async () => {
        const { startPromptTest } = await tell(TEST, { input: { name: prompt.name, version } });
        await follow(startPromptTest.id, `Testing ${short(version)}`);
      },
      `${short(version)} was tested`,
    );
  const compare = (candidate: string) =>
    act(
      async () => {
        const { comparePrompt } = await tell(COMPARE, { input: { name: prompt.name, candidate } });
        await follow(comparePrompt.id, `Comparing ${short(candidate)}`);
      },
      `${short(candidate)} was compared with what is in production`,
    );
  const approve = (version: string, evidence: string, reason: string) =>
    act(
      () => tell(APPROVE, { input: { name: prompt.name, version, actor, evidence, reason } }),
      `your approval of ${short(version)} counts`,
    );

  return (
    <>
      <div class="title">
        <h1>{prompt.name}</h1>
        <span class="quiet">{count(prompt.versions.length, "version")}</span>
        <span class="actions">
          <label class="inline">
            You are
            <input value={actor} onInput={(event) => setActor(event.currentTarget.value)} />
          </label>
          <button
            type="button"
            disabled={!production || busy}
            onClick={() => void act(() => tell(ROLL_BACK, { name: prompt.name }), "rolled back")}
          >
            Roll back
          </button>
        </span>
      </div>
      {error && <Failure error={error} />}
      <div role="status">{said && <p class="notice good">{said}</p>}</div>
      <Progress steps={steps} />
      {busy && job && <CancelJob key={job} id={job} name="this work" />}
      {!prompt.tests && (
        <p class="notice warn">
          No tests are kept with this prompt:{" "}
          <code>procos prompt test {prompt.name} --cases FILE --keep</code>
        </p>
      )}
      {newest.map((version) => (
        <Card
          key={version.version}
          version={version}
          production={production}
          reports={prompt.reports.filter((report) => report.version === version.version)}
          comparison={prompt.comparisons.find((each) => each.candidate === version.version)}
          testable={Boolean(prompt.tests) && !busy}
          onTest={() => void test(version.version)}
          onCompare={() => void compare(version.version)}
          onApprove={(evidence, reason) => void approve(version.version, evidence, reason)}
        />
      ))}
      {newest[0] && <Edit version={newest[0]} name={prompt.name} act={act} />}
      {prompt.experiment && <Experiment experiment={prompt.experiment} />}
      <Use processes={processes} />
    </>
  );
}

function Card({
  version,
  production,
  reports,
  comparison,
  testable,
  onTest,
  onCompare,
  onApprove,
}: {
  version: Version;
  production: Version | undefined;
  reports: Found["reports"];
  comparison: Found["comparisons"][number] | undefined;
  testable: boolean;
  onTest: () => void;
  onCompare: () => void;
  onApprove: (evidence: string, reason: string) => void;
}) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const used = production?.version === version.version;
  const passed = reports.find((report) => report.decision === "pass");
  const id = short(version.version);
  return (
    <article class="card stack" aria-label={`Version ${id}`}>
      <div class="row">
        <h2 class="mono">{id}</h2>
        {version.labels.map((label) => (
          <span key={label} class={`tag ${label === "production" ? "good" : "accent"}`}>
            {label}
          </span>
        ))}
        <span class="quiet small">
          {version.note || "no note"}, by {version.author}, {moment(version.savedAt)}
        </span>
      </div>
      <Rate of={version.passRate} />
      {reports[0] && (
        <p class="small">
          Newest test: <strong>{reports[0].decision}</strong>, {reports[0].passes} of {reports[0].runs} trials
          with {reports[0].model}; {reports[0].reason}
        </p>
      )}
      {comparison && (
        <p class="small">
          Against <span class="mono">{short(comparison.baseline)}</span> on the same cases:{" "}
          <strong>
            {comparison.better === "CANDIDATE"
              ? "better"
              : comparison.better === "BASELINE"
                ? "worse"
                : "cannot be told apart"}
          </strong>
          , {(100 * comparison.difference).toFixed(0)} points ({(100 * comparison.low).toFixed(0)} to{" "}
          {(100 * comparison.high).toFixed(0)}), exact McNemar p = {comparison.exactP.toFixed(4)}
        </p>
      )}
      {version.approvals.map((each) => (
        <p key={each} class="small quiet">
          Approved by {each}
        </p>
      ))}
      <div class="row">
        <button type="button" disabled={!testable} onClick={onTest}>
          Test<span class="visually-hidden"> {id}</span>
        </button>
        {production && !used && (
          <button type="button" disabled={!testable} onClick={onCompare}>
            Compare with production<span class="visually-hidden"> {id}</span>
          </button>
        )}
        <button type="button" class="slim" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide" : used || !production ? "Show text" : "Show difference"}
        </button>
      </div>
      {passed && !used && (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            onApprove(passed.report, reason);
          }}
        >
          <label class="inline">
            Why it may be used
            <input required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
          <button type="submit" class="primary">
            Approve<span class="visually-hidden"> {id}</span>
          </button>
        </form>
      )}
      {open && (
        <pre class="wrapped">
          {used || !production
            ? text(version)
            : lineDiff(text(production), text(version)).map((line, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name than their place
                <DiffLine key={at} {...line} />
              ))}
        </pre>
      )}
    </article>
  );
}

function DiffLine({ text, change }: { text: string; change: "same" | "left" | "came" }) {
  if (change === "left") return <del>{`- ${text}\n`}</del>;
  if (change === "came") return <ins>{`+ ${text}\n`}</ins>;
  return <>{`  ${text}\n`}</>;
}

/** The newest version's messages to be changed; saving makes a new version. */
function Edit({
  version,
  name,
  act,
}: {
  version: Version;
  name: string;
  act: (what: () => Promise<unknown>, done: string) => Promise<void>;
}) {
  const definition = version.definition as { messages: { role: string; text: string }[] };
  const [texts, setTexts] = useState<string[]>();
  const [note, setNote] = useState("");
  if (!texts)
    return (
      <p>
        <button type="button" onClick={() => setTexts(definition.messages.map(({ text }) => text))}>
          Write a new version
        </button>
      </p>
    );
  const messages = definition.messages.map((message, at) => ({
    ...message,
    text: texts[at] ?? message.text,
  }));
  return (
    <form
      class="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        const input = { name, definition: { ...definition, messages }, note };
        void act(() => tell(SAVE, { input }), "saved as a new version").then(() => setTexts(undefined));
      }}
    >
      <h2>New version</h2>
      {messages.map((message, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages have no other name than their place
        <label key={at}>
          {message.role}
          <textarea
            rows={6}
            value={message.text}
            onInput={(event) => {
              const changed = event.currentTarget.value;
              setTexts(texts.map((each, place) => (place === at ? changed : each)));
            }}
          />
        </label>
      ))}
      <label>
        What changed
        <input value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <div class="row">
        <button type="submit" class="primary">
          Save as a new version
        </button>
        <button type="button" onClick={() => setTexts(undefined)}>
          Leave it
        </button>
      </div>
    </form>
  );
}

function Experiment({ experiment }: { experiment: NonNullable<Found["experiment"]> }) {
  return (
    <section class="card stack">
      <h2>Experiment</h2>
      <p class="quiet small">
        {experiment.open
          ? `Tasks get these versions until one is the best with probability ${experiment.enough}.`
          : experiment.winner
            ? `Ended: ${short(experiment.winner)} was the best.`
            : "Ended without a winner."}
      </p>
      <table class="lines">
        <thead>
          <tr>
            <th>Label</th>
            <th>Version</th>
            <th>Tasks</th>
            <th>Succeeded</th>
            <th>P(best)</th>
          </tr>
        </thead>
        <tbody>
          {experiment.arms.map((arm) => (
            <tr key={arm.version}>
              <td>{arm.label}</td>
              <td class="mono">{short(arm.version)}</td>
              <td>{arm.tasks}</td>
              <td>{arm.successes}</td>
              <td>{percent(arm.probabilityBest)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Use({ processes }: { processes: ResultOf<typeof PROMPT>["promptProcesses"] }) {
  if (processes.length === 0) return null;
  return (
    <section class="card stack">
      <h2>Processes that use it</h2>
      {processes.map(({ processId, average, low, high, influences }) => (
        <div key={processId}>
          <p>
            <strong>{processId}</strong>: its prompts let {percent(average)} of cases through (
            {interval(low, high)})
          </p>
          <ul class="small">
            {influences.map(({ prompt, uncertainty, gain }) => (
              <li key={prompt}>
                {prompt}: {percent(uncertainty)} of what is not known; never wrong, it would gain{" "}
                {(100 * gain).toFixed(0)} points
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
