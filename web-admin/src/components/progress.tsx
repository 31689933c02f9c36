// The steps of long work, each with how far it is.
import type { Step } from "../job";

export function Progress({ steps }: { steps: Step[] }) {
  if (steps.length === 0) return null;
  return (
    <ol class="progress" aria-live="polite">
      {steps.map((step) => (
        <li key={step.stage}>
          <span>{step.stage}</span>
          <span class="meter">
            <span style={{ width: `${step.total > 0 ? (100 * step.done) / step.total : 100}%` }} />
          </span>
          <span class="quiet small">{step.total > 0 && `${step.done} of ${step.total}`}</span>
        </li>
      ))}
    </ol>
  );
}
