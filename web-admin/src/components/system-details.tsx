// The chosen node of a system: what it says, why it exists, what hangs on it.
import { Link } from "wouter-preact";
import { ask } from "../api";
import { interval, percent } from "../format";
import { useLoad } from "../load";
import { CONNECTIONS, SOURCES, type SystemData } from "../pages/system-query";
import { Bar } from "./outcomes";

type Requirement = SystemData["requirements"]["nodes"][number];

export function SystemDetails({ system, id }: { system: SystemData; id: string | undefined }) {
  const requirement = system.requirements.nodes.find((node) => node.localId === id);
  const component = system.components.nodes.find((node) => node.localId === id);
  const process = system.processes.nodes.find((node) => node.localId === id);
  const task = system.functions.nodes.find((node) => node.localId === id);
  const derived = component ?? process ?? task;
  return (
    <section class="card details" aria-label="Details" aria-live="polite">
      {!requirement && !derived && (
        <>
          <h2>Follow a line</h2>
          <p class="quiet">
            Choose a requirement, a component, a process or a function: everything it leads to and comes from
            lights up.
          </p>
          <p class="quiet small">
            <kbd>↑</kbd> <kbd>↓</kbd> move in a column, <kbd>←</kbd> <kbd>→</kbd> go to the next one,{" "}
            <kbd>Enter</kbd> chooses, <kbd>Esc</kbd> shows everything.
          </p>
        </>
      )}
      {requirement && <RequirementDetails requirement={requirement} />}
      {derived && (
        <>
          <h2>{derived.label}</h2>
          {component?.description && <p>{component.description}</p>}
          {process && <ProcessDetails process={process} />}
          <dl class="facts">
            <Fact name="Why it exists" value={derived.origin.rule} />
            <dt>From</dt>
            <dd>
              <Sources key={derived.id} id={derived.id} />
            </dd>
            <dt>Confidence</dt>
            <dd>
              {percent(derived.origin.confidence)}{" "}
              {derived.origin.assumed && <span class="tag warn">assumed</span>}
            </dd>
            {task && task.elements.length > 0 && <Fact name="Steps" value={task.elements.join(", ")} />}
          </dl>
          {component && <Connections key={component.id} system={system.name} id={component.localId} />}
        </>
      )}
    </section>
  );
}

const SOURCES_SHOWN = 40;

function Sources({ id }: { id: string }) {
  const { data, error } = useLoad(`sources of ${id}`, () => ask(SOURCES, { id }));
  if (error) return <span class="quiet">{error.message}</span>;
  if (!data) return <span class="quiet">…</span>;
  const sources = data.node && "origin" in data.node ? data.node.origin.sources : [];
  if (sources.length === 0) return <>no requirement says it</>;
  const more = sources.length - SOURCES_SHOWN;
  return (
    <>
      {sources.slice(0, SOURCES_SHOWN).join(", ")}
      {more > 0 && ` and ${more.toLocaleString()} more`}
    </>
  );
}

function RequirementDetails({ requirement }: { requirement: Requirement }) {
  return (
    <>
      <h2>{requirement.localId}</h2>
      <p>{requirement.label}</p>
      {requirement.findings.map((finding) => (
        <p key={finding.text} class="small">
          <span class="tag warn">{finding.kind}</span> {finding.text}
        </p>
      ))}
      <dl class="facts">
        {requirement.quantities.map((quantity) => (
          <Fact
            key={`${quantity.property}${quantity.value}`}
            name={quantity.property ?? "Quantity"}
            value={quantityWords(quantity)}
          />
        ))}
        <Fact name="Pattern" value={requirement.pattern} />
        {requirement.group && <Fact name="Group" value={requirement.group} />}
        {requirement.subject && <Fact name="Subject" value={requirement.subject} />}
        {requirement.condition && <Fact name="Condition" value={requirement.condition} />}
        {requirement.response && <Fact name="Response" value={requirement.response} />}
        {requirement.verification && <Fact name="Verified by" value={requirement.verification} />}
        {requirement.criterion && <Fact name="Criterion" value={requirement.criterion} />}
        {requirement.unallocatedReason && <Fact name="Not allocated" value={requirement.unallocatedReason} />}
      </dl>
    </>
  );
}

/** `≤ 650 kg`, with the SI value where the unit is another one. */
export function quantityWords(quantity: Requirement["quantities"][number]): string {
  const comparator = { "<=": "≤ ", ">=": "≥ ", "=": "" }[quantity.comparator] ?? `${quantity.comparator} `;
  const range = quantity.upper === null ? "" : ` to ${quantity.upper}`;
  const said = `${comparator}${quantity.value}${range} ${quantity.unit}`;
  if (quantity.siValue === null || quantity.siUnit === null || quantity.siUnit === quantity.unit) return said;
  return `${said} (${Number(quantity.siValue.toPrecision(6))} ${quantity.siUnit})`;
}

function ProcessDetails({ process }: { process: SystemData["processes"]["nodes"][number] }) {
  const { score, definition } = process;
  return (
    <>
      {score && score.attempts > 0 && (
        <div class="stack tight">
          <Bar share={score.average} low={score.low} high={score.high} />
          <span class="small">
            {percent(score.average)} <span class="quiet">({interval(score.low, score.high)})</span>
          </span>
        </div>
      )}
      {definition ? (
        <p>
          <Link class="button" href={`/processes/${definition.key}`}>
            Open the process
          </Link>
        </p>
      ) : (
        <p class="quiet">It is not deployed.</p>
      )}
    </>
  );
}

function Connections({ system, id }: { system: string; id: string }) {
  const { data } = useLoad(`connections of ${system} ${id}`, () => ask(CONNECTIONS, { name: system, id }));
  const interfaces = data?.system?.interfaces.nodes ?? [];
  const constraints = data?.system?.constraints.nodes ?? [];
  return (
    <>
      {interfaces.length > 0 && (
        <>
          <h3>Interfaces</h3>
          <ul class="plain small">
            {interfaces.map((each) => (
              <li key={each.localId}>{each.name}</li>
            ))}
          </ul>
        </>
      )}
      {constraints.length > 0 && (
        <>
          <h3>Constraints</h3>
          <ul class="plain small">
            {constraints.map((each) => (
              <li key={each.localId}>{each.name}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
