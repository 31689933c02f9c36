// The box in which a person asks DAS: text in, a draft to look at out, nothing changed until accepted. On the page of
// a process it changes that process, with what is not saved yet; anywhere, it drafts a new one.
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { type ApiError, asApiError, graphql, type ResultOf, tell } from "../api";
import { Comparison } from "../diagram/comparison";
import { Diagram } from "../diagram/diagram";
import { asking, looking } from "./asking";
import { Failure } from "./states";
import { Voice } from "./voice";

const GENERATE = graphql(`
  mutation Generate($input: GenerateProcessInput!) {
    generateProcess(input: $input) { id title source xml baseXml processId notes assumptions }
  }
`);

const REFINE = graphql(`
  mutation Refine($input: RefineProcessInput!) {
    refineProcess(input: $input) { id title source xml baseXml processId notes assumptions }
  }
`);

const DECIDE = graphql(`
  mutation Decide($input: DecideProposalInput!) {
    decideProposal(input: $input) { id state definition { key } }
  }
`);

type Draft = ResultOf<typeof GENERATE>["generateProcess"];

export default function AskDas() {
  const dialog = useRef<HTMLDialogElement>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const [, go] = useLocation();
  const [isNew, setIsNew] = useState(asking.value?.fresh === true || looking.value === undefined);
  const [text, setText] = useState("");
  const [draft, setDraft] = useState<Draft>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const here = looking.value;
  const change = isNew ? undefined : here;
  const close = () => {
    asking.value = undefined;
  };

  useEffect(() => {
    dialog.current?.showModal();
    box.current?.focus();
  }, []);

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (caught) {
      setError(asApiError(caught));
    }
    setBusy(false);
  };

  const ask = (event: Event) => {
    event.preventDefault();
    void attempt(async () => {
      if (change) {
        const input = { xml: await change.xml(), instruction: text };
        setDraft((await tell(REFINE, { input })).refineProcess);
      } else setDraft((await tell(GENERATE, { input: { text } })).generateProcess);
    });
  };

  const decide = (accept: boolean) =>
    attempt(async () => {
      if (!draft) return;
      const { decideProposal } = await tell(DECIDE, { input: { id: draft.id, accept } });
      setDraft(undefined);
      if (accept && decideProposal.definition) {
        close();
        go(`/processes/${decideProposal.definition.key}`);
      }
    });

  return (
    <dialog ref={dialog} onClose={close} aria-label="Ask DAS">
      <div class="inside">
        <div class="title">
          <h2>{change ? `Ask DAS to change “${change.name}”` : "Ask DAS for a process"}</h2>
          <div class="actions">
            {here && (
              <button type="button" onClick={() => setIsNew(!isNew)}>
                {isNew ? `Change “${here.name}” instead` : "A new process instead"}
              </button>
            )}
            <button type="button" onClick={close}>
              Close
            </button>
          </div>
        </div>
        <form onSubmit={ask}>
          <label>
            {change ? "What should be different?" : "What should the process do?"}
            <textarea
              ref={box}
              class="prose"
              required
              rows={3}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
                  event.currentTarget.form?.requestSubmit();
              }}
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
            {change?.step && (
              <button
                type="button"
                onClick={() => {
                  setText(`${text}${text === "" || text.endsWith(" ") ? "" : " "}"${change.step}" `);
                  box.current?.focus();
                }}
              >
                Mention “{change.step}”
              </button>
            )}
            <Voice
              onError={setError}
              onText={(heard) => {
                setText(
                  (written) => `${written}${written === "" || written.endsWith(" ") ? "" : " "}${heard}`,
                );
                box.current?.focus();
              }}
            />
            <span class="quiet small">
              {change && "DAS sees the process as it is on the page, with what is not saved yet. "}
              Nothing changes until you accept the draft.
            </span>
          </div>
        </form>
        {error && <Failure error={error} />}
        {draft && <DraftView draft={draft} busy={busy} decide={(accept) => void decide(accept)} />}
      </div>
    </dialog>
  );
}

function DraftView(props: { draft: Draft; busy: boolean; decide: (accept: boolean) => void }) {
  const { draft, busy, decide } = props;
  return (
    <section class="stack" aria-label="Draft" aria-live="polite">
      <h3>
        {draft.title}{" "}
        <span class="tag">
          drafted by {draft.source === "deterministic" ? "rules, no model" : draft.source}
        </span>
      </h3>
      {draft.baseXml === null ? (
        <Diagram xml={draft.xml} label={`Draft of ${draft.title}`} />
      ) : (
        <Comparison title={draft.title} before={draft.baseXml} after={draft.xml} />
      )}
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
        <button type="button" class="primary" disabled={busy} onClick={() => decide(true)}>
          Accept and deploy
        </button>
        <button type="button" disabled={busy} onClick={() => decide(false)}>
          Reject
        </button>
      </div>
    </section>
  );
}
