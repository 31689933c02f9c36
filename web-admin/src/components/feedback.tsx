// How a finished run really went, from the person who knows.
import { useState } from "preact/hooks";

export function Feedback({ send }: { send: (correct: boolean, comment: string) => Promise<boolean> }) {
  const [comment, setComment] = useState("");
  const [sent, setSent] = useState<boolean>();
  const answer = async (correct: boolean) => {
    if (await send(correct, comment.trim())) setSent(correct);
  };
  return (
    <section class="card stack" aria-label="Feedback">
      <h2>Was this right?</h2>
      {sent === undefined ? (
        <>
          <p class="small quiet">Your answer goes into the trail and into memory.</p>
          <input
            aria-label="What you saw"
            placeholder="What you saw (if you like)"
            value={comment}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
          <div class="row">
            <button type="button" onClick={() => void answer(true)}>
              Yes
            </button>
            <button type="button" onClick={() => void answer(false)}>
              No
            </button>
          </div>
        </>
      ) : (
        <p role="status">
          {sent ? "You said it was right." : "You said it was wrong."} Thank you, it is remembered.
        </p>
      )}
    </section>
  );
}
