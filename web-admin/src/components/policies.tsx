// Policies: which proposals DAS may carry out without asking. Written, switched and seen here; all are in the trail.
import { useState } from "preact/hooks";
import { type ApiError, asApiError, ask, graphql, type ResultOf, tell } from "../api";
import { moment, percent } from "../format";
import { useLoad } from "../load";
import { Failure, Show } from "./states";

const POLICIES = graphql(`
  query Policies { policies { name version enabled kinds changes worseAtMost perDay why author at } }
`);
const SAVE = graphql(`mutation SavePolicy($input: SavePolicyInput!) { savePolicy(input: $input) { name } }`);
const SWITCH = graphql(`
  mutation SwitchPolicy($input: SwitchPolicyInput!) { switchPolicy(input: $input) { name } }
`);

type Policy = ResultOf<typeof POLICIES>["policies"][number];
type Change = Policy["changes"][number];

/** The sorts of changes that the sandbox can try, in words. */
const CHANGES: [Change, string][] = [
  ["BUDGET", "another number of samples"],
  ["ATTEMPTS", "another number of attempts"],
  ["ASK_PERSON", "a person decides what stays undecided"],
  ["WAY_BACK", "back to a former version"],
  ["INSTRUCTION", "another step or word in a process"],
];
const words = (kind: string) => kind.toLowerCase().replaceAll("_", " ");

export function Policies() {
  const loaded = useLoad("policies", () => ask(POLICIES, {}));
  const [error, setError] = useState<ApiError>();
  const attempt = async (work: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await work();
      loaded.again();
    } catch (caught) {
      setError(asApiError(caught));
    }
  };
  return (
    <section class="card" aria-label="Policies">
      <h2>What DAS may do without asking</h2>
      <p class="small quiet">
        Nothing, unless a policy here allows it. What a policy accepts is tried in the sandbox first, stands
        in the trail under the policy's name, and can be taken back.
      </p>
      <Show of={loaded}>
        {({ policies }) => (
          <ul class="plain lines">
            {policies.map((policy) => (
              <li key={policy.name} class="row">
                <span class="grow">
                  <strong>{policy.name}</strong>{" "}
                  <span class={`tag ${policy.enabled ? "good" : ""}`}>{policy.enabled ? "on" : "off"}</span>{" "}
                  {policy.changes.map(words).join(", ")} for{" "}
                  {policy.kinds.length === 0 ? "findings of all kinds" : policy.kinds.map(words).join(", ")},
                  at most {policy.perDay} a day, at most {percent(policy.worseAtMost)} of runs worse
                  <span class="small quiet">
                    {" "}
                    version {policy.version} by {policy.author}, {moment(policy.at)}
                    {policy.why !== "" && ` · ${policy.why}`}
                  </span>
                </span>
                <button
                  type="button"
                  class="slim"
                  onClick={() =>
                    void attempt(() =>
                      tell(SWITCH, { input: { name: policy.name, enabled: !policy.enabled } }),
                    )
                  }
                >
                  {policy.enabled ? "Switch off" : "Switch on"}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Show>
      {error && <Failure error={error} />}
      <NewPolicy save={(input) => attempt(() => tell(SAVE, { input }))} />
    </section>
  );
}

function NewPolicy({
  save,
}: {
  save: (input: {
    name: string;
    changes: Change[];
    kinds: [];
    perDay: number;
    worseAtMost: number;
    why: string;
  }) => Promise<void>;
}) {
  const [name, setName] = useState("");
  const [changes, setChanges] = useState<Change[]>(["BUDGET"]);
  const [perDay, setPerDay] = useState(3);
  const [why, setWhy] = useState("");
  const toggle = (change: Change) =>
    setChanges(changes.includes(change) ? changes.filter((each) => each !== change) : [...changes, change]);
  return (
    <details>
      <summary>Write a policy</summary>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save({ name: name.trim(), changes, kinds: [], perDay, worseAtMost: 0.1, why: why.trim() });
        }}
      >
        <label class="stack tight">
          Name
          <input value={name} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <fieldset>
          <legend>Changes it allows</legend>
          {CHANGES.map(([change, text]) => (
            <label key={change} class="inline">
              <input type="checkbox" checked={changes.includes(change)} onChange={() => toggle(change)} />
              {text}
            </label>
          ))}
        </fieldset>
        <label class="stack tight">
          At most so many in a day
          <input
            type="number"
            min={1}
            max={50}
            value={perDay}
            onInput={(event) => setPerDay(event.currentTarget.valueAsNumber)}
          />
        </label>
        <label class="stack tight">
          Why
          <input value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
        </label>
        <button type="submit" class="primary" disabled={name.trim() === "" || changes.length === 0}>
          Put it into force
        </button>
      </form>
    </details>
  );
}
