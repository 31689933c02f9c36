// The box in which a person asks DAS for a process: text in, a draft to look at out, nothing changed until accepted.
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { ApiError, graphql, type ResultOf, tell } from "../api";
import { Diagram } from "../diagram/diagram";
import type { Asking } from "./asking";
import { Failure } from "./states";

const GENERATE = graphql(`
  mutation Generate($input: GenerateProcessInput!) {
    generateProcess(input: $input) { id title source xml processId notes assumptions }
  }
`);

const REFINE = graphql(`
  mutation Refine($input: RefineProcessInput!) {
    refineProcess(input: $input) { id title source xml processId notes assumptions }
  }
`);

const DECIDE = graphql(`
  mutation Decide($input: DecideProposalInput!) {
    decideProposal(input: $input) { id state definition { key } }
  }
`);

type Draft = ResultOf<typeof GENERATE>["generateProcess"];

export function AskDas({ close, change }: { close: () => void; change?: Asking["change"] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const [draft, setDraft] = useState<Draft>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  useEffect(() => dialog.current?.showModal(), []);

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError(String(caught)));
    }
    setBusy(false);
  };

  const generate = (event: Event) => {
    event.preventDefault();
    void attempt(async () => {
      if (change)
        setDraft((await tell(REFINE, { input: { xml: change.xml, instruction: text } })).refineProcess);
      else setDraft((await tell(GENERATE, { input: { text } })).generateProcess);
    });
  };

  const decide = (accept: boolean) =>
    attempt(async () => {
      if (!draft) return;
      const { decideProposal } = await tell(DECIDE, { input: { id: draft.id, accept } });
      if (accept && decideProposal.definition) {
        close();
        go(`/processes/${decideProposal.definition.key}`);
      } else setDraft(undefined);
    });

  return (
    <dialog ref={dialog} onClose={close} aria-label="Ask DAS">
      <div class="inside">
        <div class="title">
          <h2>{change ? `Ask DAS to change “${change.name}”` : "Ask DAS for a process"}</h2>
          <div class="actions">
            <button type="button" onClick={close}>
              Close
            </button>
          </div>
        </div>
        <form onSubmit={generate}>
          <label>
            {change ? "What should be different?" : "What should the process do?"}
            <textarea
              class="prose"
              required
              rows={3}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              placeholder={
                change
                  ? "Check the input before the first step"
                  : "Build a process to ingest data and train a model"
              }
            />
          </label>
          <div class="row">
            <button type="submit" class="primary" disabled={busy}>
              {busy ? "Drafting …" : draft ? "Draft again" : "Draft it"}
            </button>
            <span class="quiet small">Nothing changes until you accept the draft.</span>
          </div>
        </form>
        {error && <Failure error={error} />}
        {draft && (
          <section class="stack" aria-label="Draft" aria-live="polite">
            <h3>
              {draft.title}{" "}
              <span class="tag">
                drafted by {draft.source === "deterministic" ? "rules, no model" : draft.source}
              </span>
            </h3>
            <Diagram xml={draft.xml} label={`Draft of ${draft.title}`} />
            {draft.assumptions.length > 0 && (
              <div class="notice warn">
                <strong>Assumed, because you did not say it:</strong>
                <ul>
                  {draft.assumptions.map((each) => (
                    <li key={each}>{each}</li>
                  ))}
                </ul>
              </div>
            )}
            {draft.notes.map((note) => (
              <p key={note} class="quiet small">
                {note}
              </p>
            ))}
            <div class="row">
              <button type="button" class="primary" disabled={busy} onClick={() => void decide(true)}>
                Accept and deploy
              </button>
              <button type="button" disabled={busy} onClick={() => void decide(false)}>
                Discard
              </button>
            </div>
          </section>
        )}
      </div>
    </dialog>
  );
}
