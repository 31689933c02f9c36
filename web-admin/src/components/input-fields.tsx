// Fields for what a process can be given or a task be answered: the right control for each, the default beside it.
import { useId } from "preact/hooks";
import { asText, choices, type Input, inWords, kindOf } from "../inputs";

export interface Given {
  texts: Record<string, string>;
  /** Further variables as JSON text. */
  more: string;
}

export const NOTHING_GIVEN: Given = { texts: {}, more: "" };

export function InputFields(props: {
  inputs: readonly Input[];
  given: Given;
  change: (given: Given) => void;
}) {
  const { inputs, given, change } = props;
  const set = (name: string, text: string) => change({ ...given, texts: { ...given.texts, [name]: text } });
  const [first, later] = [inputs.filter((each) => each.certain), inputs.filter((each) => !each.certain)];
  const fields = (shown: Input[]) => (
    <div class="fields">
      {shown.map((input) => (
        <InputField
          key={input.name}
          input={input}
          text={given.texts[input.name] ?? ""}
          set={(text) => set(input.name, text)}
        />
      ))}
    </div>
  );
  return (
    <>
      {first.length > 0 && fields(first)}
      {later.length > 0 &&
        (first.length === 0 ? (
          fields(later)
        ) : (
          <details>
            <summary class="small">{later.length} more that a task on the way may give as well</summary>
            {fields(later)}
          </details>
        ))}
      <details open={inputs.length === 0}>
        <summary class="small">{inputs.length === 0 ? "Variables" : "More variables"}, as JSON</summary>
        <textarea
          aria-label="More variables as JSON"
          rows={3}
          value={given.more}
          placeholder={'{"name": "value"}'}
          spellcheck={false}
          onInput={(event) => change({ ...given, more: event.currentTarget.value })}
        />
      </details>
    </>
  );
}

function InputField({ input, text, set }: { input: Input; text: string; set: (text: string) => void }) {
  const id = useId();
  const kind = kindOf(input);
  const standard = asText(input.default);
  const title = `${input.name}, read by ${input.readBy.join(", ")}`;
  return (
    <label htmlFor={id} title={title}>
      {inWords(input.name)}
      {kind === "truth" ? (
        <select id={id} value={text} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">
            {standard === "" ? "not said" : `${standard === "true" ? "yes" : "no"} (default)`}
          </option>
          <option value="true">yes</option>
          <option value="false">no</option>
        </select>
      ) : (
        <>
          <input
            id={id}
            value={text}
            inputMode={kind === "number" ? "decimal" : "text"}
            list={kind === "choice" ? `${id}-choices` : undefined}
            placeholder={standard === "" ? "" : `${standard} (default)`}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => set(event.currentTarget.value)}
          />
          {kind === "choice" && (
            <datalist id={`${id}-choices`}>
              {choices(input).map((choice) => (
                <option key={choice} value={choice} />
              ))}
            </datalist>
          )}
        </>
      )}
    </label>
  );
}
