// Starting a process: a field for everything it can be given, for real or as a dry run.
import { useState } from "preact/hooks";
import { type ApiError, asApiError } from "../api";
import { asText, type Input, variablesOf } from "../inputs";
import { type Given, InputFields, NOTHING_GIVEN } from "./input-fields";
import { Failure } from "./states";

export function RunForm(props: {
  inputs: readonly Input[];
  /** Variables of the run before, where there is one. */
  last: Record<string, unknown> | undefined;
  /** Missing where the process may only be tried, because it is not saved. */
  start?: ((variables: Record<string, unknown>) => Promise<void>) | undefined;
  dryRun: (variables: Record<string, unknown>) => Promise<void>;
}) {
  const { inputs, last, start, dryRun } = props;
  const [given, setGiven] = useState<Given>(NOTHING_GIVEN);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const go = async (work: (variables: Record<string, unknown>) => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work(variablesOf(inputs, given.texts, given.more));
    } catch (caught) {
      setError(asApiError(caught instanceof Error && !("code" in caught) ? caught.message : caught));
    }
    setBusy(false);
  };
  const again = () =>
    setGiven({
      ...given,
      texts: Object.fromEntries(inputs.map(({ name }) => [name, asText(last?.[name])])),
    });
  return (
    <form
      class="card"
      aria-label="Run"
      onSubmit={(event) => {
        event.preventDefault();
        void go(start ?? dryRun);
      }}
    >
      <div class="row">
        <h2 class="grow">{start ? "Run it" : "Try what you have changed"}</h2>
        {last && inputs.some(({ name }) => name in last) && (
          <button type="button" class="slim" onClick={again}>
            Take the values of the last run
          </button>
        )}
      </div>
      <p class="quiet small">
        {inputs.length === 0
          ? "This process needs nothing to begin."
          : "What you leave empty takes its default."}
      </p>
      <InputFields inputs={inputs} given={given} change={setGiven} />
      {error && <Failure error={error} />}
      <div class="row">
        {start && (
          <button type="submit" class="primary" disabled={busy}>
            Turn the key
          </button>
        )}
        <button
          type={start ? "button" : "submit"}
          class={start ? "" : "primary"}
          disabled={busy}
          onClick={start ? () => void go(dryRun) : undefined}
        >
          Dry run
        </button>
        <span class="quiet small">
          A dry run touches nothing outside and counts in no score; you walk through it step by step.
        </span>
      </div>
    </form>
  );
}
