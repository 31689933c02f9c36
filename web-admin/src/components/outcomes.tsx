// Outcomes and scores as bars with their intervals; the numbers stand beside them as text.
import { interval, percent } from "../format";

export interface Estimate {
  share: number;
  low: number;
  high: number;
}

/** A bar for the estimate and a whisker for its 95 % interval, both in 0..1. */
export function Bar({ share, low, high }: Estimate) {
  const x = (value: number) => Math.max(0, Math.min(1, value)) * 100;
  return (
    <svg viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true">
      <rect x="0" y="3" width="100" height="12" fill="var(--line)" opacity="0.5" />
      <rect x="0" y="3" width={x(share)} height="12" fill="var(--accent)" opacity="0.75" />
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
        <>
          <span>{outcome.label}</span>
          <Bar {...outcome} />
          <span class="small">
            <strong>{percent(outcome.share)}</strong>{" "}
            <span class="quiet">
              ({interval(outcome.low, outcome.high)}, {outcome.count}×)
            </span>
          </span>
        </>
      ))}
    </div>
  );
}
