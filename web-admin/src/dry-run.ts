// A dry run as something to walk through: what is lit on the diagram after so many steps. Pure.
import type { Marks } from "./diagram/marks";

export interface DryRunStep {
  elementId: string;
  kind: string;
  event: string;
}

const isFlow = ({ kind }: DryRunStep) => kind === "sequenceFlow";

/** The places in the run where something can be looked at: an element is done, or stuck. */
export function stops(steps: readonly DryRunStep[]): number[] {
  return steps.flatMap((step, at) => (!isFlow(step) && step.event !== "activated" ? [at] : []));
}

/** What is lit once the first `until` + 1 steps have happened. */
export function marksAt(steps: readonly DryRunStep[], until: number): Marks {
  const classes = new Map<string, string[]>();
  const badges = new Map<string, string>();
  const active = new Map<string, number>();
  const done = new Map<string, number>();
  for (const step of steps.slice(0, until + 1)) {
    const { elementId: id, event } = step;
    if (isFlow(step)) classes.set(id, ["is-taken"]);
    else if (event === "activated") active.set(id, (active.get(id) ?? 0) + 1);
    else if (event === "incident") classes.set(id, ["has-incident"]);
    else {
      active.set(id, Math.max(0, (active.get(id) ?? 0) - 1));
      done.set(id, (done.get(id) ?? 0) + 1);
    }
  }
  for (const [id, times] of done) {
    if (!classes.has(id)) classes.set(id, ["is-done"]);
    if (times > 1) badges.set(id, `${times}×`);
  }
  for (const [id, times] of active)
    if (times > 0 && !classes.get(id)?.includes("has-incident")) classes.set(id, ["has-token"]);
  return { classes, badges };
}

/** How many executions of a task are over after so many steps: the place of its values among its task runs. */
export function executions(steps: readonly DryRunStep[], until: number, element: string): number {
  return steps
    .slice(0, until + 1)
    .filter(({ elementId, event }) => elementId === element && event === "completed").length;
}
