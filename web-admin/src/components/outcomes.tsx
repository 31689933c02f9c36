// Outcomes and scores as bars with their intervals; the numbers stand beside them as text.
import { Fragment } from "preact";
import { interval, percent } from "../format";

export interface Estimate {
  share: number;
  low: number;
  high: number;
}

/** A bar for the estimate and a whisker for its 95 % interval, both in 0..1. */
export function Bar({ share, low, high }: Estimate) {
  // Half a point in from both ends, so that a whisker at 0 or 100 % is not cut off.
  const x = (value: number) => 0.5 + Math.max(0, Math.min(1, value)) * 99;
  return (
    <svg class="bar" viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true">
      <rect x="0" y="3" width="100" height="12" rx="0.5" fill="var(--track)" />
      <rect x="0" y="3" width={x(share)} height="12" fill="var(--bar)" />
      <g stroke="var(--ink)" stroke-width="1.5" vector-effect="non-scaling-stroke">
        <line x1={x(low)} y1="9" x2={x(high)} y2="9" vector-effect="non-scaling-stroke" />
        <line x1={x(low)} y1="4" x2={x(low)} y2="14" vector-effect="non-scaling-stroke" />
        <line x1={x(high)} y1="4" x2={x(high)} y2="14" vector-effect="non-scaling-stroke" />
      </g>
    </svg>
  );
}

export function Outcomes({ outcomes }: { outcomes: (Estimate & { label: string; count: number })[] }) {
  return (
    <div class="outcomes">
      {outcomes.map((outcome) => (
        <Fragment key={outcome.label}>
          <span>{outcome.label}</span>
          <span class="small">
            <strong>{percent(outcome.share)}</strong>{" "}
            <span class="quiet">
              ({interval(outcome.low, outcome.high)}, {outcome.count}×)
            </span>
          </span>
          <Bar {...outcome} />
        </Fragment>
      ))}
    </div>
  );
}
