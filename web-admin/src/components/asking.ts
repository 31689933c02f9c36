// Whether the box to ask DAS is open, and for what: a new process, or a change to one.
import { signal } from "@preact/signals";

export interface Asking {
  /** The process to change; without it a new one is asked for. */
  change?: { name: string; xml: string };
}

export const asking = signal<Asking | undefined>(undefined);
