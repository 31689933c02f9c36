// A dry run to look at: how it ended, step by step on the diagram, with the values of each task.
import { useEffect, useMemo, useState } from "preact/hooks";
import { graphql, type ResultOf } from "../api";
import { type Marks, NO_MARKS } from "../diagram/marks";
import { executions, marksAt, stops } from "../dry-run";
import { count, verdictSentence } from "../format";
import { Outcomes } from "./outcomes";
import { resultOf, Values } from "./values";

export const DRY_RUN = graphql(`
  mutation DryRun($input: DryRunProcessInput!) {
    dryRunProcess(input: $input) {
      state seed variables
      steps { elementId kind event }
      taskRuns {
        elementId executedBy state inputs outputs notes
        verdict { winner undecided reason samples outcomes { label share low high count } }
      }
      incidents { elementId code message }
    }
  }
`);

export type DryRun = ResultOf<typeof DRY_RUN>["dryRunProcess"];

const ENDINGS: Record<string, [string, string]> = {
  COMPLETED: ["It reaches an end.", "good"],
  TERMINATED: ["It is cancelled on the way.", "warn"],
  FAILED: ["It gets stuck.", "bad"],
  WAITING: ["It waits for something that was not given.", "warn"],
};

export function DryRunView(props: {
  run: DryRun;
  /** What an element is called. */
  named: (id: string) => string;
  /** Lights the diagram. */
  light: (marks: Marks) => void;
  close: () => void;
}) {
  const { run, named, light, close } = props;
  const places = useMemo(() => stops(run.steps), [run]);
  const [at, setAt] = useState(places.length - 1);
  useEffect(() => setAt(places.length - 1), [places]);
  const until = places[at] ?? run.steps.length - 1;
  useEffect(() => {
    // The last place shows the whole way, also what was taken after it.
    light(marksAt(run.steps, at === places.length - 1 ? run.steps.length : until));
    return () => light(NO_MARKS);
  }, [run, at, until, places.length, light]);

  const step = run.steps[until];
  const runs = run.taskRuns.filter(({ elementId }) => elementId === step?.elementId);
  const round = step ? executions(run.steps, until, step.elementId) : 0;
  const task = runs[Math.min(round, runs.length) - 1];
  const [words, look] = ENDINGS[run.state] ?? [run.state.toLowerCase(), ""];
  return (
    <section class="card stack" aria-label="Dry run">
      <div class="row">
        <h2>Dry run</h2>
        <span class={`tag ${look}`}>{words}</span>
        <span class="quiet small grow">
          {count(places.length, "step")}, seed {run.seed}; nothing outside was touched, nothing is counted
        </span>
        <button type="button" class="slim" onClick={close}>
          Close
        </button>
      </div>
      {run.incidents.map((incident) => (
        <div key={`${incident.elementId}${incident.code}`} class="notice bad" role="alert">
          <strong>{named(incident.elementId)}:</strong> {incident.message}{" "}
          <span class="tag bad mono">{incident.code}</span>
        </div>
      ))}
      {step && (
        <>
          <div class="row walk">
            <button type="button" class="slim" disabled={at <= 0} onClick={() => setAt(at - 1)}>
              Step back
            </button>
            <input
              type="range"
              aria-label="Step"
              aria-valuetext={`${at + 1} of ${places.length}: ${named(step.elementId)}`}
              min={0}
              max={places.length - 1}
              value={at}
              onInput={(event) => setAt(Number(event.currentTarget.value))}
            />
            <button
              type="button"
              class="slim"
              disabled={at >= places.length - 1}
              onClick={() => setAt(at + 1)}
            >
              Next step
            </button>
          </div>
          <div aria-live="polite" class="stack tight">
            <h3>
              {at + 1}. {named(step.elementId)}{" "}
              {task && <span class="tag">{task.executedBy.replace("_", " ")}</span>}{" "}
              {runs.length > 1 && round > 0 && <span class="tag">round {round}</span>}
            </h3>
            {task?.verdict && (
              <>
                <Outcomes outcomes={task.verdict.outcomes} />
                <p class="small">{verdictSentence(task.verdict)}</p>
              </>
            )}
            {task && <Values of={resultOf(task.outputs, task.verdict !== null)} />}
            {task?.notes.map((note) => (
              <p key={note} class="small quiet">
                {note}
              </p>
            ))}
          </div>
        </>
      )}
      <details open={task === undefined}>
        <summary class="small">All variables at the end</summary>
        <Values of={run.variables as Record<string, unknown>} />
      </details>
    </section>
  );
}
