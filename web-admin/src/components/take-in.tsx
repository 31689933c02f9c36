// Requirements from another tool: the file goes to the server as it is, and what becomes of it is followed.
import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { ApiError, asApiError } from "../api";
import { see } from "../jobs";
import { Failure } from "./states";

/** Sends a file; gives the id of the job that takes it in. */
export async function sent(system: string, file: File): Promise<string> {
  const place = `/api/systems/${encodeURIComponent(system)}/import?file_name=${encodeURIComponent(file.name)}`;
  const answer = await fetch(place, { method: "POST", body: file }).catch(() => undefined);
  const said = await answer?.json().catch(() => undefined);
  if (answer?.ok && typeof said?.id === "string") return said.id;
  const { message, code, hint } = said?.error ?? { message: "the server does not answer" };
  throw new ApiError(message, code, hint);
}

export function TakeIn() {
  const [, go] = useLocation();
  const [name, setName] = useState("");
  const [file, setFile] = useState<File>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  const choose = (chosen: File | undefined) => {
    setFile(chosen);
    if (chosen && name === "") setName(chosen.name.replace(/\.[^.]+$/, ""));
  };

  const takeIn = async (event: Event) => {
    event.preventDefault();
    if (!file) return;
    const from = window.location.pathname;
    setBusy(true);
    setError(undefined);
    try {
      await see(await sent(name.trim(), file), name.trim());
      // Whoever went on to another page is not fetched back.
      if (window.location.pathname === from) go(`/systems/${encodeURIComponent(name.trim())}`);
    } catch (caught) {
      setError(asApiError(caught));
      setBusy(false);
    }
  };

  return (
    <form class="card readable" onSubmit={takeIn}>
      <h2>Take in a file of another tool</h2>
      <p class="quiet">
        ReqIF (<code>.reqif</code>, <code>.reqifz</code>), a table with the columns <code>id</code> and{" "}
        <code>text</code> (<code>.csv</code>, <code>.xlsx</code>), a graph in ProcOS’s terms or those of OSLC
        (<code>.ttl</code>, <code>.trig</code>, <code>.nt</code>, <code>.nq</code>, <code>.jsonld</code>) or a
        text (<code>.md</code>, <code>.txt</code>), up to 100 MB. Ids stay those of the file: a newer file
        keeps links and what people added.
      </p>
      <label>
        File
        <input
          type="file"
          required
          accept=".reqif,.reqifz,.csv,.xlsx,.ttl,.trig,.nt,.nq,.jsonld,.md,.txt"
          onChange={(event) => choose(event.currentTarget.files?.[0])}
        />
      </label>
      <label>
        System
        <input required value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <div class="row">
        <button type="submit" class="primary" disabled={busy || !file}>
          {busy ? "Taking in …" : "Take in"}
        </button>
      </div>
      {error && <Failure error={error} />}
    </form>
  );
}
