// A task that waits for a person: a field for everything its answer can change.
import { useState } from "preact/hooks";
import { type ApiError, asApiError } from "../api";
import { type Input, variablesOf } from "../inputs";
import { type Given, InputFields, NOTHING_GIVEN } from "./input-fields";
import { Failure } from "./states";
import { Values } from "./values";

export interface OpenTask {
  key: string;
  name: string;
  documentation: string | null;
  variables: unknown;
  fields: readonly Input[];
  outcomes: readonly string[];
}

/** What is asked for: the outcome where some are declared, then what is read later. */
function asked(task: OpenTask): Input[] {
  // What the task already sees is shown in its field as the default.
  const known = (task.variables ?? {}) as Record<string, unknown>;
  const fields = task.fields.map((field) => ({
    ...field,
    certain: true,
    default: known[field.name] ?? null,
  }));
  if (task.outcomes.length === 0) return fields;
  const outcome: Input = { name: "outcome", compared: task.outcomes, readBy: [], certain: true };
  return [outcome, ...fields.filter(({ name }) => name !== "outcome")];
}

export function PersonTask(props: {
  task: OpenTask;
  complete: (variables: Record<string, unknown>) => Promise<void>;
}) {
  const { task, complete } = props;
  const [given, setGiven] = useState<Given>(NOTHING_GIVEN);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const inputs = asked(task);
  const done = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await complete(variablesOf(inputs, given.texts, given.more));
    } catch (caught) {
      setError(asApiError(caught instanceof Error && !("code" in caught) ? caught.message : caught));
    }
    setBusy(false);
  };
  return (
    <form class="card readable attention" aria-label={`${task.name} waits for you`} onSubmit={done}>
      <h2>{task.name} waits for you</h2>
      {task.documentation && <p>{task.documentation}</p>}
      <details>
        <summary class="small">What the task knows</summary>
        <Values of={(task.variables ?? {}) as Record<string, unknown>} />
      </details>
      <InputFields inputs={inputs} given={given} change={setGiven} />
      {error && <Failure error={error} />}
      <div class="row">
        <button type="submit" class="primary" disabled={busy}>
          Done
        </button>
      </div>
    </form>
  );
}
