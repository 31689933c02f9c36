// Ends long work on the server. Whoever follows the work is told that it was cancelled, as its error.
import { useState } from "preact/hooks";
import { type ApiError, asApiError, graphql, tell } from "../api";
import { Failure } from "./states";

const CANCEL = graphql(`
  mutation CancelJob($id: ID!) { cancelJob(id: $id) }
`);

export function CancelJob({ id, name }: { id: string; name: string }) {
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<ApiError>();
  const cancel = async () => {
    setAsked(true);
    setError(undefined);
    try {
      await tell(CANCEL, { id });
    } catch (caught) {
      setError(asApiError(caught));
      setAsked(false);
    }
  };
  return (
    <>
      {error && <Failure error={error} />}
      <button type="button" disabled={asked} onClick={cancel} aria-label={`Cancel ${name}`}>
        {asked ? "Cancelling …" : "Cancel"}
      </button>
    </>
  );
}
