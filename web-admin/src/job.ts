// Long work on the server: its steps as they happen, and its end. The steps come by subscription; where that is cut
// off, the job itself is asked, so that the end is never missed.
import { ApiError, ask, follow, graphql } from "./api";

const PROGRESS = graphql(`
  subscription BootstrapProgress($job: ID!) {
    bootstrapProgress(job: $job) { position stage done total finished }
  }
`);
const JOB = graphql(`
  query JobResult($id: ID!) {
    job(id: $id) { id state error { code message hint } progress { position stage done total finished } }
  }
`);

export interface Step {
  position: number;
  stage: string;
  done: number;
  total: number;
  finished: boolean;
}

/** How often a job is asked for its state while its subscription is silent. */
const ASK_EVERY_MS = 1500;

/** Follows a job until it is over; throws the job's error. */
export async function untilOver(
  id: string,
  onStep: (step: Step) => void,
  everyMs = ASK_EVERY_MS,
): Promise<void> {
  let wake: () => void = () => undefined;
  let silent = false;
  const stop = follow(
    PROGRESS,
    { job: id },
    ({ bootstrapProgress: step }) => {
      onStep(step);
      if (step.finished) wake();
    },
    () => {
      silent = true;
    },
  );
  try {
    for (;;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      const { job } = await ask(JOB, { id });
      if (!job)
        throw new ApiError("the job is not known any more", undefined, "Was the server started anew?");
      if (silent) for (const step of job.progress) onStep(step);
      if (job.error) throw new ApiError(job.error.message, job.error.code, job.error.hint ?? undefined);
      if (job.state !== "RUNNING") return;
    }
  } finally {
    stop();
  }
}

/** The newest step of each stage, in the order in which the stages began. */
export function withStep(steps: Step[], step: Step): Step[] {
  const at = steps.findIndex(({ stage }) => stage === step.stage);
  if (at < 0) return [...steps, step];
  return steps.map((each, index) => (index === at && each.position <= step.position ? step : each));
}
