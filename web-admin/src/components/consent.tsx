// The switch by which people agree that DAS watches what they do here; off at first, and off at once.
import { useState } from "preact/hooks";
import { CONSENT, setConsent } from "../acts";
import { type ApiError, asApiError, ask, graphql, tell } from "../api";
import { count, moment } from "../format";
import { useLoad } from "../load";
import { Failure, Show } from "./states";

const SET = graphql(`
  mutation SetConsent($input: SetConsentInput!) { setConsent(input: $input) { given by at kept } }
`);
const FORGET = graphql(`mutation ForgetActs { forgetActs }`);

export function ConsentSwitch() {
  const loaded = useLoad("consent", () => ask(CONSENT, {}));
  const [error, setError] = useState<ApiError>();
  const [offer, setOffer] = useState(false);
  const attempt = async (work: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await work();
      loaded.again();
    } catch (caught) {
      setError(asApiError(caught));
    }
  };
  const set = (given: boolean) =>
    attempt(async () => {
      // Nothing more is told from here, before the server has answered.
      if (!given) setConsent(false);
      const answer = await tell(SET, { input: { given, forget: false } });
      setConsent(answer.setConsent.given);
      setOffer(!given && answer.setConsent.kept > 0);
    });
  const forget = () =>
    attempt(async () => {
      await tell(FORGET, {});
      setOffer(false);
    });
  return (
    <section class="card readable" aria-label="Watching what you do">
      <h2>Watching what you do here</h2>
      <Show of={loaded}>
        {({ consent }) => (
          <div class="stack">
            <label class="inline">
              <input
                type="checkbox"
                checked={consent.given}
                onChange={(event) => void set(event.currentTarget.checked)}
              />
              <span>
                DAS may watch which processes and proposals are looked at, changed, accepted and rejected here
              </span>
            </label>
            <p class="small quiet">
              It helps DAS to see what keeps changing and what is left lying. What you type is never recorded,
              and nothing leaves this ProcOS; it is kept in memory for thirty days under the source “web
              admin”.{" "}
              {consent.at !== null &&
                `${consent.given ? "Switched on" : "Switched off"} by ${consent.by}, ${moment(consent.at)}. `}
              {count(consent.kept, "act")} kept.
            </p>
            {(offer || consent.kept > 0) && (
              <div class="row">
                {offer && <span>It is off. Shall what was recorded be forgotten, too?</span>}
                <button type="button" onClick={() => void forget()}>
                  Forget what was recorded
                </button>
              </div>
            )}
          </div>
        )}
      </Show>
      {error && <Failure error={error} />}
    </section>
  );
}
