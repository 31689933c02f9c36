// What ProcOS remembers: processes, prompts, task logs, errors, outcomes, ontologies and builds.
import { useState } from "preact/hooks";
import { ask, graphql } from "../api";
import { Empty, Show } from "../components/states";
import { moment } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const RECALL = graphql(`
  query Recall($text: String!) {
    recall(text: $text, limit: 30) {
      degraded
      hits { id kind title text score source storedAt }
    }
  }
`);

export default function Memory() {
  useTitle("Memory");
  const [draft, setDraft] = useState("");
  const [text, setText] = useState("create a file");
  const found = useLoad(`recall ${text}`, () => ask(RECALL, { text }));
  return (
    <>
      <h1>Memory</h1>
      <form
        class="row readable"
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.trim() !== "") setText(draft.trim());
        }}
      >
        <input
          type="search"
          aria-label="What do you want to find?"
          placeholder="What do you want to find?"
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
          style="flex:1"
        />
        <button type="submit" class="primary">
          Recall
        </button>
      </form>
      <Show of={found}>
        {({ recall }) => (
          <>
            {recall.degraded && <div class="notice warn">Memory is not complete: {recall.degraded}</div>}
            <p class="quiet">What memory knows about “{text}”</p>
            {recall.hits.length === 0 ? (
              <Empty>
                <p>Nothing yet. Memory grows with what is built, run and corrected.</p>
              </Empty>
            ) : (
              <ol class="stack plain readable">
                {recall.hits.map((hit) => (
                  <li key={hit.id} class="card">
                    <div class="row">
                      <h2>{hit.title}</h2>
                      <span class="tag accent">{hit.kind.toLowerCase().replace("_", " ")}</span>
                      <span class="quiet small">
                        {hit.source}, {moment(hit.storedAt)}
                      </span>
                    </div>
                    <p>{hit.text.length > 400 ? `${hit.text.slice(0, 400)} …` : hit.text}</p>
                  </li>
                ))}
              </ol>
            )}
          </>
        )}
      </Show>
    </>
  );
}
