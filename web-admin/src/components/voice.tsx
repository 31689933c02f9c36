// Speaking instead of typing: a recording goes to the server, what was heard comes back as text, and the person who
// spoke corrects it before anything is done with it. Shown only where the server has somebody who listens.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, asApiError, ask, graphql } from "../api";
import { minutes } from "../format";

const SPEECH = graphql(`
  query Speech { server { speech } }
`);

/** Longest recording in seconds; it ends by itself then. */
const SECONDS_MAX = 180;

/** The text spoken in a recording. */
export async function transcribed(recording: Blob): Promise<string> {
  const answer = await fetch("/api/voice", {
    method: "POST",
    headers: { "content-type": recording.type },
    body: recording,
  }).catch(() => undefined);
  const said = await answer?.json().catch(() => undefined);
  if (answer?.ok && typeof said?.text === "string") return said.text;
  const { message, code, hint } = said?.error ?? { message: "the server does not answer" };
  throw new ApiError(message, code, hint);
}

/** What the browser says about a microphone it does not give, as words with a way out. */
export function refusal(caught: unknown): ApiError {
  const name = caught instanceof DOMException ? caught.name : "";
  if (name === "NotAllowedError")
    return new ApiError(
      "the browser does not let this page use the microphone",
      undefined,
      "Allow it in the browser’s settings for this site, or choose a recording.",
    );
  if (name === "NotFoundError")
    return new ApiError("there is no microphone", undefined, "Choose a recording instead.");
  return asApiError(caught);
}

interface Props {
  onText: (text: string) => void;
  onError: (error: ApiError | undefined) => void;
}

export function Voice({ onText, onError }: Props) {
  const [isHeard, setIsHeard] = useState(false);
  const [state, setState] = useState<"idle" | "recording" | "listening">("idle");
  const [seconds, setSeconds] = useState(0);
  const recorder = useRef<MediaRecorder>();

  useEffect(() => {
    void ask(SPEECH, {}).then(
      ({ server }) => setIsHeard(server.speech !== null),
      () => setIsHeard(false),
    );
    return () => release(recorder.current);
  }, []);

  useEffect(() => {
    if (state !== "recording") return;
    const ticking = setInterval(() => setSeconds((before) => before + 1), 1_000);
    return () => clearInterval(ticking);
  }, [state]);
  useEffect(() => {
    if (seconds >= SECONDS_MAX) recorder.current?.stop();
  }, [seconds]);

  const hear = async (recording: Blob) => {
    setState("listening");
    onError(undefined);
    try {
      onText(await transcribed(recording));
    } catch (caught) {
      onError(asApiError(caught));
    }
    setState("idle");
  };

  const record = async () => {
    onError(undefined);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const fresh = new MediaRecorder(stream);
      const parts: Blob[] = [];
      fresh.ondataavailable = (event) => parts.push(event.data);
      fresh.onstop = () => {
        release(fresh);
        void hear(new Blob(parts, { type: fresh.mimeType }));
      };
      recorder.current = fresh;
      fresh.start();
      setSeconds(0);
      setState("recording");
    } catch (caught) {
      onError(refusal(caught));
    }
  };

  if (!isHeard) return null;
  if (state === "recording")
    return (
      <button type="button" class="primary" onClick={() => recorder.current?.stop()}>
        Stop recording · <span aria-hidden="true">{minutes(seconds)}</span>
      </button>
    );
  return (
    <>
      <button type="button" disabled={state === "listening"} onClick={() => void record()}>
        {state === "listening" ? "Listening …" : "Speak"}
      </button>
      <label class="button">
        From a recording
        <input
          type="file"
          accept="audio/*"
          class="visually-hidden"
          disabled={state === "listening"}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) void hear(file);
          }}
        />
      </label>
    </>
  );
}

/** Gives the microphone back, without a word about what was recorded. */
function release(recorder: MediaRecorder | undefined) {
  if (!recorder) return;
  recorder.onstop = null;
  for (const track of recorder.stream.getTracks()) track.stop();
}
