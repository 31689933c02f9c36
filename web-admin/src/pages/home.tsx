// Everything at a glance: what needs a person, what runs, how well things do, what the systems cover.
import { useEffect } from "preact/hooks";
import { Link } from "wouter-preact";
import { ask, graphql, type ResultOf } from "../api";
import { FirstSteps } from "../components/first-steps";
import { Machine } from "../components/machine";
import { Bar } from "../components/outcomes";
import { Show } from "../components/states";
import { Status } from "../components/status";
import { BeingBuilt } from "../components/underway";
import { count, duration, interval, moment, percent } from "../format";
import { useLive } from "../live";
import { useLoad } from "../load";
import { byProcess } from "../newest";
import { useTitle } from "../title";

const OVERVIEW = graphql(`
  query Overview {
    systems(first: 12) { totalCount nodes { id name requirementCount coverage { ratio conflicts { why } } } }
    active: processInstances(status: ACTIVE, first: 8) {
      totalCount nodes { key businessKey startedAt definition { name } incidents { key } }
    }
    latest: processInstances(first: 8) {
      totalCount nodes { key businessKey status startedAt endedAt definition { name } incidents { key } }
    }
    incidents { key instance elementId message }
    userTasks { key instance name }
    proposals(state: OPEN) { id title }
    suggestions { id title }
    processDefinitions(first: 500) { totalCount nodes { key processId name version } }
    scores(kind: PROCESS, first: 500) { nodes { subject attempts average low high trend } }
    server {
      version engine model database memory livePdos liveTdes
      vitals {
        processor memoryTotalBytes memoryAvailableBytes diskTotalBytes diskFreeBytes outbox jobs
        engine { ok detail } memory { ok detail }
      }
    }
  }
`);

type Overview = ResultOf<typeof OVERVIEW>;
const SHOWN = 6;
/** Below so many attempts a trend is chance. */
const TREND_FROM = 10;

export default function Home() {
  useTitle("Overview");
  const loaded = useLoad("overview", () => ask(OVERVIEW, {}), 10000);
  const { again } = loaded;
  useLive(again);
  // What is built on another page is here when one comes back.
  useEffect(() => {
    window.addEventListener("focus", again);
    return () => window.removeEventListener("focus", again);
  }, [again]);
  const isNew =
    loaded.data !== undefined &&
    loaded.data.systems.totalCount + loaded.data.processDefinitions.totalCount === 0;
  return (
    <>
      <h1>Overview</h1>
      {!isNew && <BeingBuilt />}
      <Show of={loaded}>{(data) => (isNew ? <FirstSteps /> : <Content data={data} />)}</Show>
    </>
  );
}

function Content({ data }: { data: Overview }) {
  return (
    <>
      <div class="overview">
        <NeedsYou data={data} />
        <Running data={data} />
        <Systems data={data} />
        <Scores data={data} />
        <Latest data={data} />
        {data.server.vitals && <Machine vitals={data.server.vitals} />}
      </div>
      <p class="small quiet">
        ProcOS {data.server.version} · engine {data.server.engine} ·{" "}
        {data.server.model ? `model ${data.server.model}` : "no language model, none needed"} ·{" "}
        {data.server.database} · memory {data.server.memory} · {count(data.server.livePdos, "PDO")} and{" "}
        {count(data.server.liveTdes, "TDE")} alive
      </p>
    </>
  );
}

function NeedsYou({ data }: { data: Overview }) {
  const nothing =
    data.incidents.length + data.userTasks.length + data.proposals.length + data.suggestions.length === 0;
  return (
    <section class="card" aria-label="Needs you">
      <h2>Needs you</h2>
      {nothing && <p class="quiet">Nothing: no incident, no open task, nothing to decide.</p>}
      <ul class="plain lines">
        {data.incidents.slice(0, SHOWN).map((incident) => (
          <li key={incident.key}>
            <span class="tag bad">stuck</span>{" "}
            <Link href={`/runs/${incident.instance}`}>
              Run {incident.instance}, {incident.elementId}
            </Link>
            <div class="small quiet clamp">{incident.message}</div>
          </li>
        ))}
        {data.userTasks.slice(0, SHOWN).map((task) => (
          <li key={task.key}>
            <span class="tag accent">task</span> <Link href={`/runs/${task.instance}`}>{task.name}</Link>
          </li>
        ))}
        {data.proposals.slice(0, SHOWN).map((proposal) => (
          <li key={proposal.id}>
            <span class="tag accent">draft</span> <Link href="/proposals">{proposal.title}</Link>
          </li>
        ))}
        {data.suggestions.slice(0, SHOWN).map((suggestion) => (
          <li key={suggestion.id}>
            <span class="tag">suggestion</span> <Link href="/proposals">{suggestion.title}</Link>
          </li>
        ))}
      </ul>
      <More shown={SHOWN} of={data.incidents.length} what="incidents" href="/runs" />
      <More shown={SHOWN} of={data.userTasks.length} what="tasks" href="/runs" />
    </section>
  );
}

function More({ shown, of, what, href }: { shown: number; of: number; what: string; href: string }) {
  if (of <= shown) return null;
  return (
    <p class="small">
      <Link href={href}>
        {of - shown} more {what}
      </Link>
    </p>
  );
}

function Running({ data }: { data: Overview }) {
  const { nodes, totalCount } = data.active;
  return (
    <section class="card" aria-label="Running now">
      <h2>
        Running now <span class="quiet small">{totalCount}</span>
      </h2>
      {nodes.length === 0 && <p class="quiet">Nothing runs or waits.</p>}
      <ul class="plain lines">
        {nodes.map((run) => (
          <li key={run.key} class="row">
            <span class="grow">
              <Link href={`/runs/${run.key}`}>{run.businessKey ?? run.definition.name}</Link>
              <span class="small quiet"> since {moment(run.startedAt)}</span>
            </span>
            <Status status="ACTIVE" incidents={run.incidents.length} />
          </li>
        ))}
      </ul>
      <More shown={nodes.length} of={totalCount} what="running" href="/runs" />
    </section>
  );
}

function Systems({ data }: { data: Overview }) {
  const { nodes, totalCount } = data.systems;
  return (
    <section class="card" aria-label="Systems and their coverage">
      <h2>Systems</h2>
      {nodes.length === 0 && (
        <p class="quiet">
          None yet: <Link href="/systems?build">build one from requirements</Link>.
        </p>
      )}
      <ul class="plain lines">
        {nodes.map((system) => (
          <li key={system.id} class="stack tight">
            <span class="row">
              <Link class="grow" href={`/systems/${encodeURIComponent(system.name)}`}>
                {system.name}
              </Link>
              {system.coverage.conflicts.length > 0 && (
                <span class="tag bad">{count(system.coverage.conflicts.length, "contradiction")}</span>
              )}
              <span class="small quiet">
                {percent(system.coverage.ratio)} of {count(system.requirementCount, "requirement")} allocated
              </span>
            </span>
            <div class="meter">
              <span style={{ width: `${system.coverage.ratio * 100}%` }} />
            </div>
          </li>
        ))}
      </ul>
      <More shown={nodes.length} of={totalCount} what="systems" href="/systems" />
    </section>
  );
}

/** The processes that do worst for certain stand first: what one should look at. */
function Scores({ data }: { data: Overview }) {
  const named = byProcess(data.processDefinitions.nodes);
  const rows = [...data.scores.nodes].filter(({ attempts }) => attempts > 0).sort((a, b) => a.high - b.high);
  return (
    <section class="card" aria-label="Scores">
      <h2>
        How well they do <span class="quiet small">those that need a look first</span>
      </h2>
      {rows.length === 0 && <p class="quiet">Nothing has been scored yet.</p>}
      <ul class="plain lines">
        {rows.slice(0, SHOWN).map((row) => {
          const process = named.get(row.subject);
          return (
            <li key={row.subject} class="stack tight">
              <span class="row between">
                {process ? (
                  <Link href={`/processes/${process.key}`}>{process.name}</Link>
                ) : (
                  <span>{row.subject}</span>
                )}
                <span class="small">
                  <strong>{percent(row.average)}</strong>{" "}
                  <span class="quiet">
                    {interval(row.low, row.high)}, {row.attempts}×
                    {row.trend !== null &&
                      row.attempts >= TREND_FROM &&
                      Math.abs(row.trend - row.average) > 0.1 && <>, lately {percent(row.trend)}</>}
                  </span>
                </span>
              </span>
              <Bar share={row.average} low={row.low} high={row.high} />
            </li>
          );
        })}
      </ul>
      <More shown={SHOWN} of={rows.length} what="scores" href="/scores" />
    </section>
  );
}

function Latest({ data }: { data: Overview }) {
  const { nodes, totalCount } = data.latest;
  return (
    <section class="card" aria-label="Latest runs">
      <h2>
        Latest runs <span class="quiet small">{totalCount} in all</span>
      </h2>
      {nodes.length === 0 && (
        <p class="quiet">
          None yet: open a <Link href="/processes">process</Link> and turn the key.
        </p>
      )}
      <ul class="plain lines">
        {nodes.map((run) => (
          <li key={run.key} class="row">
            <span class="grow">
              <Link href={`/runs/${run.key}`}>{run.businessKey ?? run.definition.name}</Link>{" "}
              <span class="small quiet">
                {moment(run.startedAt)}
                {run.endedAt !== null && `, ${duration(run.endedAt - run.startedAt)}`}
              </span>
            </span>
            <Status status={run.status} incidents={run.incidents.length} />
          </li>
        ))}
      </ul>
    </section>
  );
}
