// A pass rate: the estimate with its interval as a bar, and the same in words.
import { count, interval, percent } from "../format";
import { Bar } from "./outcomes";

export interface PassRate {
  attempts: number;
  average: number;
  low: number;
  high: number;
}

export function Rate({ of }: { of: PassRate }) {
  if (of.attempts === 0) return <span class="quiet">not tried yet</span>;
  return (
    <span class="stack tight">
      <span>
        <strong>{percent(of.average)}</strong>{" "}
        <span class="quiet small">
          ({interval(of.low, of.high)}, {count(of.attempts, "trial")})
        </span>
      </span>
      <Bar share={of.average} low={of.low} high={of.high} />
    </span>
  );
}
