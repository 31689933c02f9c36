// The properties of what is chosen, in plain words; every change goes through the editor's command stack, so that
// undo knows it.
import type Modeler from "bpmn-js/lib/Modeler";
import { useEffect, useId, useState } from "preact/hooks";
import { percent } from "../format";
import type { Shape } from "./editor";
import { adding, type Create, declared, type Plan, removing, setting, taskOf } from "./extensions";
import type { BusinessObject } from "./outline";

interface Modeling {
  updateProperties(shape: Shape, properties: Record<string, unknown>): void;
  updateModdleProperties(shape: Shape, element: unknown, properties: Record<string, unknown>): void;
}
interface Moddle {
  create(type: string, properties?: Record<string, unknown>): BusinessObject;
}

const BY: [string, string][] = [
  ["", "not said: ProcOS decides"],
  ["stochastic", "declared draws, sampled until sure"],
  ["model", "a language model, sampled until sure"],
  ["feel", "FEEL expressions"],
  ["file", "a file operation"],
  ["tool", "a declared tool"],
  ["http", "a web request"],
  ["process", "another process"],
  ["person", "a person"],
];
const NEEDS_REFERENCE = new Set(["file", "tool", "http", "model", "process"]);
const SAMPLED = new Set(["stochastic", "model"]);
const GROUPINGS: [string, string][] = [
  ["", "their words are"],
  ["words", "their words are (said)"],
  ["embeddings", "an embedding model finds them alike"],
];

const UNDECIDED: [string, string][] = [
  ["", "not said: go on with the leader"],
  ["leader", "go on with the leader"],
  ["person", "ask a person"],
  ["all", "take every likely path"],
  ["incident", "stop and report"],
];
const RULES: [string, string][] = [
  ["", "not said"],
  ["winner", "sure which outcome wins"],
  ["shares", "the shares are known closely enough"],
  ["joint", "all shares together are known closely enough"],
  ["beta", "the leader beats the next one (posterior)"],
  ["window", "the last samples agree"],
  ["fixed", "a fixed number of samples"],
];

interface Declaration {
  type: string;
  title: string;
  one: string;
  fields: string[];
  /** Shown for tasks that are executed this way, and wherever the model holds one. */
  by: Set<string>;
}
const DECLARATIONS: Declaration[] = [
  {
    type: "procos:Outcome",
    title: "Outcomes",
    one: "outcome",
    fields: ["label", "when", "success"],
    by: new Set(["stochastic", "model", "feel", "tool", "person", "http"]),
  },
  {
    type: "procos:Draw",
    title: "Draws",
    one: "draw",
    fields: ["variable", "distribution"],
    by: new Set(["stochastic"]),
  },
  {
    type: "procos:Compute",
    title: "Computed values (FEEL)",
    one: "computed value",
    fields: ["variable", "expression"],
    by: new Set(["feel", "stochastic"]),
  },
];
/** What the fields of a declaration are called, in plain words. */
const WORDS: Record<string, string> = {
  label: "called",
  when: "when this holds (FEEL)",
  variable: "name of the value",
  expression: "is (FEEL)",
  sd: "standard deviation",
  low: "lowest",
  high: "highest",
  mode: "most likely",
  p: "chance of true",
  weights: "how often each",
  delta: "accepted chance of a wrong winner",
  share: "accepted error of a share",
  samples: "at most so many samples",
  time: "at most so long (PT30S)",
};

/** The parameters of the distributions a person can draw from. */
const PARAMETERS: Record<string, string[]> = {
  normal: ["mean", "sd"],
  lognormal: ["mean", "sd"],
  uniform: ["low", "high"],
  triangular: ["low", "mode", "high"],
  exponential: ["rate"],
  beta: ["alpha", "beta"],
  bernoulli: ["p"],
  constant: ["value"],
  categorical: ["values", "weights"],
};

export function Properties({ modeler, shape }: { modeler: Modeler; shape: Shape }) {
  const modeling = modeler.get<Modeling>("modeling");
  const moddle = modeler.get<Moddle>("moddle");
  const create: Create = (type, properties) => moddle.create(type, properties);
  const node = shape.businessObject;
  const isTask = /Task$/.test(node.$type);

  const carryOut = ({ element, properties }: Plan) =>
    element
      ? modeling.updateModdleProperties(shape, element, properties)
      : modeling.updateProperties(shape, properties);
  const documentation = (node.documentation as { text?: string }[] | undefined)?.[0]?.text ?? "";
  const condition = (node.conditionExpression as { body?: string } | undefined)?.body ?? "";

  return (
    <div class="stack">
      <span class="quiet small">
        {kindWords(node.$type)} <span class="mono">{node.id}</span>
      </span>
      {declared(node, "procos:Origin").map((origin) => (
        <span key="origin" class="small">
          {origin.assumed === "true" && <span class="tag warn">assumed</span>} written by DAS
          {typeof origin.confidence === "string" && `, ${percent(Number(origin.confidence))} sure`}
        </span>
      ))}
      <Field
        name="Name"
        value={node.name ?? ""}
        set={(name) => carryOut({ properties: { name: name === "" ? undefined : name } })}
      />
      <Field
        name="What it is for"
        value={documentation}
        long
        set={(text) =>
          carryOut({
            properties: { documentation: text === "" ? [] : [create("bpmn:Documentation", { text })] },
          })
        }
      />
      {node.$type === "bpmn:SequenceFlow" && (
        <Field
          name="Taken when (FEEL)"
          value={condition}
          code
          set={(body) =>
            carryOut({
              properties: {
                conditionExpression: body === "" ? undefined : create("bpmn:FormalExpression", { body }),
              },
            })
          }
        />
      )}
      {isTask && <Execution node={node} create={create} carryOut={carryOut} />}
    </div>
  );
}

/** How ProcOS executes a task: by what, with which outcomes, draws and computed values, and until when. */
function Execution(props: { node: BusinessObject; create: Create; carryOut: (plan: Plan) => void }) {
  const { node, create, carryOut } = props;
  const task = taskOf(node);
  const by = (task?.by as string | undefined) ?? "";
  const setTask = (name: string, value: string) =>
    carryOut(task ? setting(task, name, value) : adding(node, "procos:Task", create, { [name]: value }));
  const stop = declared(node, "procos:Stop")[0];
  const setStop = (name: string, value: string) =>
    carryOut(stop ? setting(stop, name, value) : adding(node, "procos:Stop", create, { [name]: value }));
  return (
    <>
      <Choice name="Executed by" value={by} options={BY} set={(value) => setTask("by", value)} />
      {NEEDS_REFERENCE.has(by) && (
        <Field
          name="Which one"
          value={(task?.ref as string) ?? ""}
          code
          set={(value) => setTask("ref", value)}
        />
      )}
      {DECLARATIONS.map((declaration) => {
        const entries = declared(node, declaration.type);
        if (entries.length === 0 && !declaration.by.has(by)) return null;
        return (
          <fieldset key={declaration.type}>
            <legend>{declaration.title}</legend>
            {entries.map((entry, at) => (
              <Entry
                // biome-ignore lint/suspicious/noArrayIndexKey: a declaration has no id, its place is its identity
                key={at}
                name={`${declaration.one} ${at + 1}`}
                fields={[...declaration.fields, ...parameters(entry)]}
                entry={entry}
                carryOut={carryOut}
                remove={() => carryOut(removing(node, entry, create))}
              />
            ))}
            <div>
              <button
                type="button"
                class="slim"
                onClick={() => carryOut(adding(node, declaration.type, create))}
              >
                Add {/^[aeiou]/.test(declaration.one) ? "an" : "a"} {declaration.one}
              </button>
            </div>
          </fieldset>
        );
      })}
      {(SAMPLED.has(by) || stop) && (
        <fieldset>
          <legend>When it is sure enough</legend>
          <Choice
            name="Stop when"
            value={(stop?.rule as string) ?? ""}
            options={RULES}
            set={(value) => setStop("rule", value)}
          />
          <div class="pair">
            {["delta", "share", "samples", "time"].map((field) => (
              <Field
                key={field}
                name={WORDS[field] ?? field}
                value={(stop?.[field] as string) ?? ""}
                set={(value) => setStop(field, value)}
              />
            ))}
          </div>
          <Choice
            name="If it stays undecided"
            value={(task?.undecided as string) ?? ""}
            options={UNDECIDED}
            set={(value) => setTask("undecided", value)}
          />
          {by === "model" && declared(node, "procos:Outcome").length === 0 && (
            <Choice
              name="Answers are the same when"
              value={(task?.grouping as string) ?? ""}
              options={GROUPINGS}
              set={(value) => setTask("grouping", value)}
            />
          )}
          {by === "model" && task?.grouping === "embeddings" && (
            <Field
              name="alike from (0 to 1)"
              value={(task?.similarity as string) ?? ""}
              set={(value) => setTask("similarity", value)}
            />
          )}
        </fieldset>
      )}
    </>
  );
}

function parameters(entry: BusinessObject): string[] {
  if (entry.$type !== "procos:Draw") return [];
  return PARAMETERS[String(entry.distribution ?? "")] ?? [];
}

function Entry(props: {
  name: string;
  fields: string[];
  entry: BusinessObject;
  carryOut: (plan: Plan) => void;
  remove: () => void;
}) {
  const { name, fields, entry, carryOut, remove } = props;
  return (
    <fieldset class="declaration">
      <legend class="visually-hidden">{name}</legend>
      <div class="pair">
        {fields.map((field) => {
          const value = String(entry[field] ?? "");
          const set = (text: string) => carryOut(setting(entry, field, text));
          if (field === "success")
            return <Choice key={field} name="counts as" value={value} options={SUCCESS} set={set} />;
          if (field === "distribution")
            return (
              <Choice key={field} name="drawn from" value={value} options={distributions(value)} set={set} />
            );
          return (
            <Field
              key={field}
              name={WORDS[field] ?? field}
              value={value}
              code={field === "when" || field === "expression"}
              wide={field === "when" || field === "expression"}
              set={set}
            />
          );
        })}
      </div>
      <button type="button" class="slim" onClick={remove} aria-label={`Remove ${name}`}>
        Remove
      </button>
    </fieldset>
  );
}

const SUCCESS: [string, string][] = [
  ["", "success"],
  ["true", "success (said)"],
  ["false", "failure"],
];

/** What can be chosen, and what the file holds even if it is not among it. */
function distributions(held: string): [string, string][] {
  const names = Object.keys(PARAMETERS);
  return ["", ...names, ...(held === "" || names.includes(held) ? [] : [held])].map((name) => [
    name,
    name === "" ? "not said" : name,
  ]);
}

function kindWords(type: string): string {
  return type
    .replace(/^\w+:/, "")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
}

/** A text that is handed on when the person leaves the field: one undo step for one edit. */
function Field(props: {
  name: string;
  value: string;
  set: (value: string) => void;
  long?: boolean;
  code?: boolean;
  wide?: boolean;
}) {
  const [draft, setDraft] = useState(props.value);
  // Undo and redo change the value from outside; the field itself stays, and with it the place of the keyboard.
  useEffect(() => setDraft(props.value), [props.value]);
  const commit = () => draft !== props.value && props.set(draft);
  const id = useId();
  const shared = { id, value: draft, spellcheck: !props.code, onBlur: commit };
  return (
    <label class={props.wide ? "wide" : ""} htmlFor={id}>
      {props.name}
      {props.long ? (
        <textarea
          {...shared}
          class="prose"
          rows={3}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
      ) : (
        <input
          {...shared}
          class={props.code ? "mono" : ""}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && commit()}
        />
      )}
    </label>
  );
}

function Choice(props: {
  name: string;
  value: string;
  options: [string, string][];
  set: (value: string) => void;
}) {
  return (
    <label>
      {props.name}
      <select value={props.value} onChange={(event) => props.set(event.currentTarget.value)}>
        {props.options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
