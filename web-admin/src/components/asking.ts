// Whether the box to ask DAS is open, and what the person looks at: DAS is told, so that it answers to that.
import { signal } from "@preact/signals";

/** The process on the page. */
export interface Looking {
  name: string;
  /** Its BPMN at this moment, with what is not saved yet. */
  xml: () => Promise<string>;
  /** The name of the chosen step. */
  step?: string | undefined;
}

export const looking = signal<Looking | undefined>(undefined);

/** Open while there is a value. */
export const asking = signal<{ fresh?: boolean } | undefined>(undefined);
