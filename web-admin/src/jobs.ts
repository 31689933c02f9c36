// The long work that was begun in this window: it goes on, and can be seen, whatever page one looks at.
import { signal } from "@preact/signals";
import { type Step, untilOver, withStep } from "./job";

export interface Underway {
  id: string;
  /** What is built. */
  name: string;
  steps: Step[];
}

export const underway = signal<Underway[]>([]);

/** Follows a job to its end and shows its steps meanwhile; throws the job's error. */
export async function see(id: string, name: string, everyMs?: number): Promise<void> {
  underway.value = [...underway.value, { id, name, steps: [] }];
  try {
    const onStep = (step: Step) => {
      underway.value = underway.value.map((each) =>
        each.id === id ? { ...each, steps: withStep(each.steps, step) } : each,
      );
    };
    await untilOver(id, onStep, everyMs);
  } finally {
    underway.value = underway.value.filter((each) => each.id !== id);
  }
}
