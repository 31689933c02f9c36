// What DAS suggests, with what it rests on; a person takes or refuses it, and DAS learns from that.
import { useState } from "preact/hooks";
import { note } from "../acts";
import { type ApiError, asApiError, graphql, tell } from "../api";
import { moment } from "../format";
import { Failure } from "./states";

const DECIDE = graphql(`
  mutation DecideSuggestion($input: DecideSuggestionInput!) { decideSuggestion(input: $input) { id } }
`);

export interface Suggestion {
  id: string;
  title: string;
  evidence: readonly string[];
  subject: string | null;
  madeAt: number;
  proposal: { id: string } | null;
}

export function Suggestions(props: { suggestions: readonly Suggestion[]; again: () => void }) {
  const { suggestions, again } = props;
  if (suggestions.length === 0) return null;
  return (
    <section class="card" aria-label="Suggestions">
      <h2>DAS suggests</h2>
      <ul class="plain lines">
        {suggestions.map((suggestion) => (
          <SuggestionView key={suggestion.id} suggestion={suggestion} again={again} />
        ))}
      </ul>
    </section>
  );
}

function SuggestionView({ suggestion, again }: { suggestion: Suggestion; again: () => void }) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const { id, title, evidence, subject, madeAt, proposal } = suggestion;
  const decide = async (accept: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      await tell(DECIDE, { input: { id, accept, reason: reason.trim() === "" ? null : reason.trim() } });
      note(accept ? "ACCEPT" : "REJECT", `suggestion:${id}`);
      again();
    } catch (caught) {
      setError(asApiError(caught));
    }
    setBusy(false);
  };
  return (
    <li class="stack tight">
      <span>
        <strong>{title}</strong>{" "}
        <span class="quiet small">
          {subject !== null && `about ${subject}, `}
          {moment(madeAt)}
        </span>
      </span>
      {evidence.length > 0 && (
        <ul class="small quiet">
          {evidence.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      )}
      {proposal !== null ? (
        <p class="small quiet">Its draft waits below: accept or reject it there.</p>
      ) : (
        <div class="row">
          <input
            class="reason"
            aria-label={`Why you take or refuse: ${title}`}
            placeholder="Why (if you like): DAS learns from it"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
          <button type="button" disabled={busy} onClick={() => void decide(true)}>
            Take it up
          </button>
          <button type="button" disabled={busy} onClick={() => void decide(false)}>
            Dismiss
          </button>
        </div>
      )}
      {error && <Failure error={error} />}
    </li>
  );
}
