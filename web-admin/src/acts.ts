// What a person does here, told to DAS where somebody agreed to it, and nothing otherwise. It says what was looked at or
// changed, never what was typed; it goes to this ProcOS and nowhere else.
import { signal } from "@preact/signals";
import { ask, graphql, tell } from "./api";

export const CONSENT = graphql(`query Consent { consent { given by at kept } }`);
const TELL = graphql(`mutation TellActs($acts: [ActInput!]!) { tellActs(acts: $acts) { consent } }`);

export type ActKind = "VIEW" | "EDIT" | "SAVE" | "LEAVE" | "UNDO" | "ACCEPT" | "REJECT";
interface Act {
  kind: ActKind;
  subject: string;
  element: string | null;
  at: number;
}

/** As the server takes them: at most so many at once, names at most so long. */
const AT_ONCE = 50;
const NAME_LENGTH = 100;
/** How long acts are gathered before they are told. */
const GATHER_MS = 10_000;
/** The same act again within this time is one: dragging a shape is not a hundred edits. */
const SAME_MS = 5_000;

/** Whether somebody agreed; undefined until the server was asked. */
export const consent = signal<boolean | undefined>(undefined);
let asked: Promise<void> | undefined;
let waiting: Act[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Takes in what the server says about consent; where it is withdrawn, what was gathered is dropped at once. */
export function setConsent(given: boolean) {
  consent.value = given;
  asked = Promise.resolve();
  if (!given) waiting = [];
}

/** Notes that a person did something. */
export function note(kind: ActKind, subject: string, element?: string) {
  if (consent.value === false || subject === "") return;
  const at = Date.now();
  const name = element?.slice(0, NAME_LENGTH) ?? null;
  const same = waiting.some(
    (act) => act.kind === kind && act.subject === subject && act.element === name && at - act.at < SAME_MS,
  );
  if (same || waiting.length >= AT_ONCE) return;
  waiting.push({ kind, subject: subject.slice(0, NAME_LENGTH), element: name, at });
  timer ??= setTimeout(() => void flush(), GATHER_MS);
}

/** Tells what was gathered, where somebody agreed. */
export async function flush(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  try {
    asked ??= ask(CONSENT, {}).then(({ consent: { given } }) => setConsent(given));
    await asked;
    if (consent.value !== true || waiting.length === 0) return;
    const now = Date.now();
    const acts = waiting.map(({ at, ...act }) => ({ ...act, agoMs: Math.max(0, now - at) }));
    waiting = [];
    const { tellActs } = await tell(TELL, { acts });
    if (!tellActs.consent) setConsent(false);
  } catch {
    // A server that is away has nothing to be told; it is asked again with the next act.
    if (consent.value === undefined) asked = undefined;
    waiting = [];
  }
}
