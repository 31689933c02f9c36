// One run: where the tokens are, how sure each task was, variables, trail; and what a person can do about it.
import { Fragment } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Link, useParams } from "wouter-preact";
import { ApiError, ask, follow, graphql, type ResultOf, tell } from "../api";
import { Outcomes } from "../components/outcomes";
import { Empty, Failure, Show } from "../components/states";
import { Status } from "../components/status";
import { steps } from "../diagram/changes";
import { Diagram, type Marks } from "../diagram/diagram";
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
        verdict { winner undecided reason samples outcomes { label share low high count } }
      }
      trail(first: 500) { totalCount nodes { position kind at actor elementId data } }
    }
    userTasks(instance: $key) { key elementId name documentation variables }
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
  for (const { kind, elementId } of run.trail.nodes)
    if (kind === "element.completed" && elementId !== null) add(elementId, "is-done");
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
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError(String(caught)));
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
          complete={(variables) => act(() => tell(COMPLETE, { input: { key: task.key, variables } }))}
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
                        <span class="quiet">This says how consistent the samples are, not what is true.</span>
                      </p>
                    </>
                  )}
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
          <section class="card">
            <h2>Where it is</h2>
            {run.current.length === 0 ? (
              <p class="quiet">Nowhere: it has ended.</p>
            ) : (
              <ul class="plain">
                {run.current.map((element) => (
                  <li key={`${element.elementId}${element.startedAt}`}>
                    {element.name || element.elementId} <span class="quiet small">{element.state}</span>
                  </li>
                ))}
              </ul>
            )}
            {run.next.length > 0 && <p class="small quiet">then possibly {run.next.map(named).join(", ")}</p>}
          </section>
          <section class="card">
            <h2>Variables</h2>
            <dl class="facts long" tabIndex={0} aria-label="Variables">
              {Object.entries(run.variables as Record<string, unknown>).map(([name, value]) => (
                <Fragment key={name}>
                  <dt class="mono">{name}</dt>
                  <dd class="mono">
                    <Value value={value} />
                  </dd>
                </Fragment>
              ))}
            </dl>
            {Object.keys(run.variables as object).length === 0 && <p class="quiet">None.</p>}
          </section>
          {run.status !== "ACTIVE" && (
            <section class="card">
              <h2>Was this right?</h2>
              <p class="small quiet">Your answer goes into the trail and into memory.</p>
              <div class="row">
                {[true, false].map((correct) => (
                  <button
                    key={String(correct)}
                    type="button"
                    onClick={() => void act(() => tell(FEEDBACK, { input: { instance: run.key, correct } }))}
                  >
                    {correct ? "Yes" : "No"}
                  </button>
                ))}
              </div>
            </section>
          )}
        </aside>
      </div>
      <details class="card">
        <summary>Trail ({run.trail.totalCount} entries)</summary>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th class="number">Position</th>
                <th>What</th>
                <th>Element</th>
                <th>Who</th>
                <th>When</th>
              </tr>
            </thead>
            <tbody>
              {run.trail.nodes.map((event) => (
                <tr key={event.position}>
                  <td class="number">{event.position}</td>
                  <td>{event.kind}</td>
                  <td>{event.elementId}</td>
                  <td class="quiet">{event.actor}</td>
                  <td class="quiet">{moment(event.at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

/** The last execution of each element, with how often it ran: a loop of a hundred rounds is one card. */
function latest(runs: readonly RunData["taskRuns"][number][]) {
  const found = new Map<string, { run: RunData["taskRuns"][number]; times: number }>();
  for (const run of runs)
    found.set(run.elementId, { run, times: (found.get(run.elementId)?.times ?? 0) + 1 });
  return [...found.values()];
}

/** A value on one line; what is longer opens. */
function Value({ value }: { value: unknown }) {
  if (typeof value === "number") return <>{String(Number(value.toPrecision(8)))}</>;
  const text = JSON.stringify(value) ?? "";
  if (text.length <= 60) return <>{text}</>;
  return (
    <details>
      <summary>{text.slice(0, 50)} …</summary>
      <pre>{JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}

function PersonTask({ task, complete }: { task: Task; complete: (variables: unknown) => Promise<void> }) {
  const [text, setText] = useState("{}");
  const [problem, setProblem] = useState<string>();
  return (
    <form
      class="card readable"
      onSubmit={(event) => {
        event.preventDefault();
        try {
          void complete(JSON.parse(text));
          setProblem(undefined);
        } catch (error) {
          setProblem(`This is not JSON: ${String(error)}`);
        }
      }}
    >
      <h2>{task.name} waits for you</h2>
      {task.documentation && <p>{task.documentation}</p>}
      <details>
        <summary class="small">What the task knows</summary>
        <pre>{JSON.stringify(task.variables, null, 2)}</pre>
      </details>
      <label>
        Result as JSON
        <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {problem && <div class="notice bad">{problem}</div>}
      <div class="row">
        <button type="submit" class="primary">
          Done
        </button>
      </div>
    </form>
  );
}
