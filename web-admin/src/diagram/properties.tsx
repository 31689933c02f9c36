// The properties of what is chosen, in plain words; every change goes through the editor's command stack, so that
// undo knows it.
import type Modeler from "bpmn-js/lib/Modeler";
import { useState } from "preact/hooks";
import type { Shape } from "./editor";
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
  ["person", "a person"],
];
const UNDECIDED: [string, string][] = [
  ["", "go on with the leader"],
  ["person", "ask a person"],
  ["all", "take every likely path"],
  ["incident", "stop and report"],
];
const LISTS = [
  { type: "procos:Outcome", title: "Outcomes", fields: ["label", "when", "success"] },
  {
    type: "procos:Draw",
    title: "Draws",
    fields: ["variable", "distribution", "mean", "sd", "low", "high", "mode", "rate"],
  },
  { type: "procos:Compute", title: "Computed values (FEEL)", fields: ["variable", "expression"] },
];

export function Properties({ modeler, shape }: { modeler: Modeler; shape: Shape }) {
  const modeling = modeler.get<Modeling>("modeling");
  const moddle = modeler.get<Moddle>("moddle");
  const node = shape.businessObject;
  const isTask = /Task$/.test(node.$type);
  const isFlow = node.$type === "bpmn:SequenceFlow";

  const extensions = () =>
    (node.extensionElements as BusinessObject | undefined)?.values as BusinessObject[] | undefined;
  const found = (type: string) => extensions()?.filter((each) => each.$type === type) ?? [];
  const setExtensions = (values: BusinessObject[]) => {
    const holder = moddle.create("bpmn:ExtensionElements", { values });
    for (const value of values) value.$parent = holder;
    holder.$parent = node;
    modeling.updateProperties(shape, { extensionElements: holder });
  };
  const change = (element: BusinessObject, properties: Record<string, unknown>) =>
    modeling.updateModdleProperties(shape, element, properties);
  const task = found("procos:Task")[0];
  const setTask = (name: string, value: string) => {
    const properties = { [name]: value === "" ? undefined : value };
    if (task) change(task, properties);
    else setExtensions([moddle.create("procos:Task", properties), ...(extensions() ?? [])]);
  };
  const documentation = (node.documentation as { text?: string }[] | undefined)?.[0]?.text ?? "";
  const condition = (node.conditionExpression as { body?: string } | undefined)?.body ?? "";

  return (
    <div class="stack">
      <span class="quiet small">
        {node.$type.replace("bpmn:", "")} <span class="mono">{node.id}</span>
      </span>
      <Field
        name="Name"
        value={node.name ?? ""}
        set={(name) => modeling.updateProperties(shape, { name: name === "" ? undefined : name })}
      />
      <Field
        name="What it is for"
        value={documentation}
        long
        set={(value) =>
          modeling.updateProperties(shape, {
            documentation: value === "" ? [] : [moddle.create("bpmn:Documentation", { text: value })],
          })
        }
      />
      {isFlow && (
        <Field
          name="Taken when (FEEL)"
          value={condition}
          set={(body) =>
            modeling.updateProperties(shape, {
              conditionExpression: body === "" ? undefined : moddle.create("bpmn:FormalExpression", { body }),
            })
          }
        />
      )}
      {isTask && (
        <>
          <Choice
            name="Executed by"
            value={(task?.by as string) ?? ""}
            options={BY}
            set={(value) => setTask("by", value)}
          />
          {["file", "tool", "model", "process"].includes((task?.by as string) ?? "") && (
            <Field
              name="Which one"
              value={(task?.ref as string) ?? ""}
              set={(value) => setTask("ref", value)}
            />
          )}
          {["stochastic", "model"].includes((task?.by as string) ?? "") && (
            <Choice
              name="If it stays undecided"
              value={(task?.undecided as string) ?? ""}
              options={UNDECIDED}
              set={(value) => setTask("undecided", value)}
            />
          )}
          {LISTS.map((list) => (
            <fieldset key={list.type}>
              <legend>{list.title}</legend>
              {found(list.type).map((element, at) => (
                <div key={at} class="stack entry">
                  {list.fields.map((field) => (
                    <Field
                      key={field}
                      name={field}
                      value={String(element[field] ?? "")}
                      set={(value) => change(element, { [field]: value === "" ? undefined : value })}
                    />
                  ))}
                  <button
                    type="button"
                    onClick={() => setExtensions((extensions() ?? []).filter((each) => each !== element))}
                  >
                    Remove
                  </button>
                </div>
              ))}
              <button
                type="button"
                onClick={() => setExtensions([...(extensions() ?? []), moddle.create(list.type)])}
              >
                Add
              </button>
            </fieldset>
          ))}
        </>
      )}
    </div>
  );
}

/** A text that is handed on when the person leaves the field: one undo step for one edit. */
function Field(props: { name: string; value: string; set: (value: string) => void; long?: boolean }) {
  const [draft, setDraft] = useState(props.value);
  const commit = () => draft !== props.value && props.set(draft);
  return (
    <label>
      {props.name}
      {props.long ? (
        <textarea
          rows={3}
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onBlur={commit}
        />
      ) : (
        <input
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onBlur={commit}
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
