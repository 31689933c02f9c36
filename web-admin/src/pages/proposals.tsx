// Proposals of DAS: what it would change, beside what is there; nothing changes until a person, or a policy that a person
// wrote, accepts. What was accepted can be taken back.
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { note } from "../acts";
import { type ApiError, asApiError, ask, graphql, type ResultOf, tell } from "../api";
import { BuildChange, PromptChange } from "../components/changes";
import { ConsentSwitch } from "../components/consent";
import { Policies } from "../components/policies";
import { Empty, Failure, Show } from "../components/states";
import { Suggestions } from "../components/suggestions";
import { Comparison } from "../diagram/comparison";
import { Diagram } from "../diagram/diagram";
import { moment } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const PROPOSALS = graphql(`
  query Proposals {
    proposals {
      id title source xml baseXml processId notes assumptions state createdAt decidedBy reason canBeTakenBack
      definition { key }
      prompt { name lines { effect text } }
      build {
        system first links untouched
        nodes { localId kind label effect } processes { process effect added removed }
      }
    }
    suggestions { id title evidence subject madeAt proposal { id } }
  }
`);

const DECIDE = graphql(`
  mutation DecideProposal($input: DecideProposalInput!) { decideProposal(input: $input) { id state definition { key } } }
`);

const TAKE_BACK = graphql(`
  mutation TakeBackProposal($input: TakeBackProposalInput!) { takeBackProposal(input: $input) { id } }
`);

type Proposal = ResultOf<typeof PROPOSALS>["proposals"][number];

export default function Proposals() {
  useTitle("Proposals");
  const loaded = useLoad("proposals", () => ask(PROPOSALS, {}), 5000);
  return (
    <>
      <h1>Proposals</h1>
      <Show of={loaded}>
        {({ proposals, suggestions }) => (
          <>
            <Suggestions suggestions={suggestions} again={loaded.again} />
            {proposals.length === 0 ? (
              <Empty>
                <h2>Nothing to decide</h2>
                <p>
                  Ask DAS for a process (Ctrl+K), or to change one; what it drafts waits here for your
                  decision.
                </p>
              </Empty>
            ) : (
              proposals.map((proposal) => (
                <ProposalCard key={proposal.id} proposal={proposal} again={loaded.again} />
              ))
            )}
            <Policies />
            <ConsentSwitch />
          </>
        )}
      </Show>
    </>
  );
}

function ProposalCard({ proposal, again }: { proposal: Proposal; again: () => void }) {
  const [, go] = useLocation();
  const [error, setError] = useState<ApiError>();
  const [open, setOpen] = useState(proposal.state === "OPEN");
  const subject = `proposal:${proposal.id}`;
  useEffect(() => {
    if (open && proposal.state === "OPEN") note("VIEW", subject);
  }, [open, proposal.state, subject]);
  const takeBack = async () => {
    try {
      await tell(TAKE_BACK, { input: { id: proposal.id } });
      note("UNDO", subject);
      again();
    } catch (caught) {
      setError(asApiError(caught));
    }
  };
  const decide = async (accept: boolean) => {
    try {
      const { decideProposal } = await tell(DECIDE, { input: { id: proposal.id, accept } });
      note(accept ? "ACCEPT" : "REJECT", subject);
      if (decideProposal.definition) go(`/processes/${decideProposal.definition.key}`);
      else again();
    } catch (caught) {
      setError(asApiError(caught));
    }
  };
  return (
    <article class="card stack">
      <div class="row">
        <h2>{proposal.title}</h2>
        <span
          class={`tag ${proposal.state === "ACCEPTED" ? "good" : proposal.state === "OPEN" ? "accent" : ""}`}
        >
          {proposal.state.toLowerCase().replace("_", " ")}
        </span>
        <span class="quiet small">
          by {proposal.source === "deterministic" ? "rules, no model" : proposal.source},{" "}
          {moment(proposal.createdAt)}
        </span>
        <button type="button" class="slim" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? "Hide" : "Show"}
        </button>
      </div>
      {open && (
        <>
          {proposal.prompt && <PromptChange prompt={proposal.prompt} />}
          {proposal.build && <BuildChange build={proposal.build} />}
          {proposal.xml === "" ? null : proposal.baseXml === null ? (
            <Diagram xml={proposal.xml} label={`${proposal.title}: as proposed`} />
          ) : (
            <Comparison title={proposal.title} before={proposal.baseXml} after={proposal.xml} />
          )}
          {proposal.assumptions.length > 0 && (
            <div class="notice warn">
              <strong>Assumed, because nobody said it:</strong>
              <ul>
                {proposal.assumptions.map((each) => (
                  <li key={each}>{each}</li>
                ))}
              </ul>
            </div>
          )}
          {proposal.notes.map((each) => (
            <p key={each} class="small quiet">
              {each}
            </p>
          ))}
        </>
      )}
      {proposal.decidedBy !== null && (
        <p class="small quiet">
          {proposal.state.toLowerCase().replace("_", " ")} by {proposal.decidedBy}
          {proposal.reason !== null && `: ${proposal.reason}`}
        </p>
      )}
      {error && <Failure error={error} />}
      {proposal.canBeTakenBack && (
        <div class="row">
          <button type="button" onClick={() => void takeBack()}>
            Take it back
          </button>
          <span class="small quiet">What it replaced is in force again, as a new version.</span>
        </div>
      )}
      {proposal.state === "OPEN" && (
        <div class="row">
          <button type="button" class="primary" onClick={() => void decide(true)}>
            {proposal.prompt ? "Accept and save" : proposal.build ? "Accept and build" : "Accept and deploy"}
          </button>
          <button type="button" onClick={() => void decide(false)}>
            Reject
          </button>
        </div>
      )}
    </article>
  );
}
