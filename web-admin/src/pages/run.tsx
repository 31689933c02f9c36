// One run: where the tokens are, how sure each task was, variables, trail; and what a person can do about it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Link, useParams } from "wouter-preact";
import { type ApiError, asApiError, ask, follow, graphql, type ResultOf, tell } from "../api";
import { Feedback } from "../components/feedback";
import { Forecast } from "../components/forecast";
import { Outcomes } from "../components/outcomes";
import { PersonTask } from "../components/person-task";
import { Empty, Failure, Show } from "../components/states";
import { Status } from "../components/status";
import { Trail } from "../components/trail";
import { resultOf, Values } from "../components/values";
import { steps } from "../diagram/changes";
import { Diagram } from "../diagram/diagram";
import type { Marks } from "../diagram/marks";
import { duration, moment, verdictSentence } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const RUN = graphql(`
  query Run($key: Key!) {
    processInstance(key: $key) {
      id key processId version status businessKey variables startedAt endedAt
      definition { key name xml }
      previous { elementId name kind state startedAt endedAt }
      current { elementId name kind state startedAt }
      next
      incidents { key elementId code message raisedAt }
      taskRuns {
        id elementId attempt executedBy state inputs outputs notes startedAt endedAt
        verdict { winner undecided reason samples grouping outcomes { label share low high count } }
      }
      trail(first: 500) { totalCount nodes { position kind at actor elementId data } }
    }
    userTasks(instance: $key) {
      key elementId name documentation variables outcomes
      fields { name default compared readBy certain }
    }
  }
`);

const CANCEL = graphql(
  `mutation CancelRun($key: Key!) { cancelInstance(key: $key, reason: "cancelled in the web admin") }`,
);
const RESOLVE = graphql(`mutation ResolveIncident($key: Key!) { resolveIncident(key: $key) }`);
const COMPLETE = graphql(
  `mutation CompleteTask($input: CompleteUserTaskInput!) { completeUserTask(input: $input) }`,
);
const FEEDBACK = graphql(`mutation Feedback($input: RecordFeedbackInput!) { recordFeedback(input: $input) }`);
const EVENTS = graphql(`
  subscription InstanceEvents($instance: Key!, $after: Int) { instanceEvents(instance: $instance, after: $after) { position } }
`);

/** Steps that are over, in the short list beside the diagram. */
const BEFORE_MAX = 6;

type RunData = NonNullable<ResultOf<typeof RUN>["processInstance"]>;
type Task = ResultOf<typeof RUN>["userTasks"][number];

export default function Run() {
  const { key } = useParams<{ key: string }>();
  const loaded = useLoad(`run ${key}`, () => ask(RUN, { key }), 4000);
  const { again } = loaded;
  const ended = loaded.data?.processInstance?.endedAt != null;
  const newest = loaded.data?.processInstance?.trail.nodes.at(-1)?.position;

  // Live while it runs; the slower clock above is what remains where subscriptions are cut.
  useEffect(() => {
    if (ended || newest === undefined) return undefined;
    return follow(EVENTS, { instance: key, after: newest }, again);
  }, [key, ended, newest, again]);

  return (
    <Show of={loaded}>
      {({ processInstance, userTasks }) =>
        processInstance ? (
          <Content run={processInstance} tasks={userTasks} again={again} />
        ) : (
          <Empty>
            <h1>There is no run {key}</h1>
            <Link href="/runs">All runs</Link>
          </Empty>
        )
      }
    </Show>
  );
}

function marksOf(run: RunData): Marks {
  const classes = new Map<string, string[]>();
  const badges = new Map<string, string>();
  const times = new Map<string, number>();
  const add = (id: string, name: string) => classes.set(id, [...new Set([...(classes.get(id) ?? []), name])]);
  for (const element of run.previous) {
    add(element.elementId, "is-done");
    times.set(element.elementId, (times.get(element.elementId) ?? 0) + 1);
  }
  // Events, gateways and what is inside sub-processes are known from the trail alone.
  for (const { kind, elementId } of run.trail.nodes) {
    if (elementId === null) continue;
    if (kind === "element.completed") add(elementId, "is-done");
    if (kind === "flow.taken") add(elementId, "is-taken");
  }
  for (const [id, often] of times) if (often > 1) badges.set(id, `${often}×`);
  for (const element of run.current) {
    add(element.elementId, "has-token");
    badges.set(element.elementId, "here");
  }
  for (const incident of run.incidents) {
    add(incident.elementId, "has-incident");
    badges.set(incident.elementId, "stuck");
  }
  return { classes, badges };
}

/** What the elements are called, those that were not reached yet too. */
function namesOf(run: RunData): Map<string, string> {
  return steps(run.definition.xml);
}

function Content({ run, tasks, again }: { run: RunData; tasks: readonly Task[]; again: () => void }) {
  useTitle(`${run.definition.name}, run ${run.key}`);
  const [error, setError] = useState<ApiError>();
  const [chosen, setChosen] = useState<string>();
  const marks = useMemo(() => marksOf(run), [run]);
  const act = async (work: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await work();
      again();
      return true;
    } catch (caught) {
      setError(asApiError(caught));
      return false;
    }
  };
  const names = useMemo(() => namesOf(run), [run]);
  const named = (id: string) => names.get(id) || id;
  const shownRuns = run.taskRuns.filter((each) => chosen === undefined || each.elementId === chosen);

  return (
    <>
      <div class="title">
        <h1>{run.businessKey ?? `Run ${run.key}`}</h1>
        <Status status={run.status} incidents={run.incidents.length} />
        <span class="quiet">
          of <Link href={`/processes/${run.definition.key}`}>{run.definition.name}</Link> version{" "}
          {run.version}, started {moment(run.startedAt)}
          {run.endedAt !== null && `, took ${duration(run.endedAt - run.startedAt)}`}
        </span>
        <div class="actions">
          {run.status === "ACTIVE" && (
            <button
              type="button"
              class="danger"
              onClick={() => void act(() => tell(CANCEL, { key: run.key }))}
            >
              Cancel this run
            </button>
          )}
        </div>
      </div>
      {error && <Failure error={error} />}
      {run.incidents.map((incident) => (
        <div key={incident.key} class="notice bad row" role="alert">
          <span class="grow">
            <strong>{named(incident.elementId)} cannot go on:</strong> {incident.message}{" "}
            <span class="tag bad mono">{incident.code}</span>
          </span>
          <div>
            <button type="button" onClick={() => void act(() => tell(RESOLVE, { key: incident.key }))}>
              Try again
            </button>
          </div>
        </div>
      ))}
      {tasks.map((task) => (
        <PersonTask
          key={task.key}
          task={task}
          complete={async (variables) => {
            await act(() => tell(COMPLETE, { input: { key: task.key, variables } }));
          }}
        />
      ))}
      <div class="split">
        <div class="stack wide">
          <Diagram
            xml={run.definition.xml}
            marks={marks}
            tall
            words
            label={`Diagram of ${run.definition.name}`}
            onSelect={setChosen}
          />
          <section aria-label="Tasks" class="stack">
            <h2>
              Tasks{" "}
              {chosen !== undefined && (
                <button type="button" class="slim" onClick={() => setChosen(undefined)}>
                  Show all
                </button>
              )}
            </h2>
            {shownRuns.length === 0 && <p class="quiet">No task has been executed here.</p>}
            <div class="cards">
              {latest(shownRuns).map(({ run: task, times }) => (
                <article key={task.id} class="card stack">
                  <h3>
                    {named(task.elementId)} <span class="tag">{task.executedBy.replace("_", " ")}</span>{" "}
                    {times > 1 && <span class="tag">{times}×</span>}
                    {task.state !== "completed" && <span class="tag bad">{task.state}</span>}
                  </h3>
                  {task.verdict && (
                    <>
                      <Outcomes outcomes={task.verdict.outcomes} />
                      <p class="small">
                        {verdictSentence(task.verdict)}{" "}
                        {task.verdict.grouping === "embeddings" &&
                          "Answers that an embedding model finds alike were counted as one. "}
                        <span class="quiet">This says how consistent the samples are, not what is true.</span>
                      </p>
                    </>
                  )}
                  <Values of={resultOf(task.outputs, task.verdict !== null)} />
                  <details>
                    <summary class="small">Inputs and result</summary>
                    <pre>{JSON.stringify({ inputs: task.inputs, outputs: task.outputs }, null, 2)}</pre>
                  </details>
                  {task.notes.map((note) => (
                    <p key={note} class="small quiet">
                      {note}
                    </p>
                  ))}
                </article>
              ))}
            </div>
          </section>
        </div>
        <aside class="stack">
          <Where run={run} named={named} />
          {run.status === "ACTIVE" && (
            <Forecast
              run={run.key}
              at={run.current.map((each) => `${each.elementId} ${each.startedAt}`).join()}
              named={named}
            />
          )}
          <section class="card">
            <h2>Variables</h2>
            <Values of={run.variables as Record<string, unknown>} />
          </section>
          {run.status !== "ACTIVE" && (
            <Feedback
              send={(correct, comment) =>
                act(() => tell(FEEDBACK, { input: { instance: run.key, correct, comment } }))
              }
            />
          )}
        </aside>
      </div>
      <Trail entries={run.trail.nodes} total={run.trail.totalCount} named={named} />
    </>
  );
}

/** Where the run stands: what is over, what holds a token, what can come. */
function Where({ run, named }: { run: RunData; named: (id: string) => string }) {
  const over = [...run.previous].reverse();
  return (
    <section class="card" aria-label="Where it is">
      <h2>Where it is</h2>
      <h3>Now</h3>
      {run.current.length === 0 ? (
        <p class="quiet">Nowhere: it has ended.</p>
      ) : (
        <ul class="plain">
          {run.current.map((element) => (
            <li key={`${element.elementId}${element.startedAt}`}>
              {element.name || element.elementId}{" "}
              <span class="quiet small">
                {element.state}, since {moment(element.startedAt)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {run.next.length > 0 && (
        <>
          <h3>Possibly next</h3>
          <p>{run.next.map(named).join(", ")}</p>
        </>
      )}
      {over.length > 0 && (
        <>
          <h3>Before</h3>
          <p class="quiet">
            {over
              .slice(0, BEFORE_MAX)
              .map(({ name, elementId }) => name || elementId)
              .join(" ← ")}
            {over.length > BEFORE_MAX && ` ← ${over.length - BEFORE_MAX} more`}
          </p>
        </>
      )}
    </section>
  );
}

/** The last execution of each element, with how often it ran: a loop of a hundred rounds is one card. */
function latest(runs: readonly RunData["taskRuns"][number][]) {
  const found = new Map<string, { run: RunData["taskRuns"][number]; times: number }>();
  for (const run of runs)
    found.set(run.elementId, { run, times: (found.get(run.elementId)?.times ?? 0) + 1 });
  return [...found.values()];
}
