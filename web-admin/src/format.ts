// How numbers and times are written for people.

/** A share in 0..1 as per cent: without digits in the middle, with one near the ends where they matter. */
export function percent(share: number): string {
  const value = share * 100;
  const digits = value > 0 && value < 100 && (value < 1 || value > 99) ? 1 : 0;
  const text = value.toFixed(digits);
  // What rounds to an end is written like the end.
  return `${text === "100.0" || text === "0.0" ? Number(text) : text} %`;
}

/** An interval in words. */
export function interval(low: number, high: number): string {
  return `${percent(low)} to ${percent(high)}`;
}

/** A point in time, short, in the reader's own zone. */
export function moment(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString(undefined, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** A length of time. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const tenths = Math.round(milliseconds / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A number with its plural: `1 requirement`, `3 requirements`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** A verdict in one sentence. */
export function verdictSentence(verdict: {
  winner: string | null;
  undecided: boolean;
  samples: number;
  reason: string;
  outcomes: { label: string; share: number; low: number; high: number }[];
}): string {
  const leader = verdict.outcomes.find((outcome) => outcome.label === verdict.winner) ?? verdict.outcomes[0];
  const after = `after ${count(verdict.samples, "sample")}`;
  if (verdict.undecided || !leader) return `Undecided ${after}: ${verdict.reason}`;
  return `${leader.label} wins with ${percent(leader.share)} (95 %: ${interval(leader.low, leader.high)}) ${after}`;
}

/** Seconds as minutes and seconds, e.g. `1:05`. */
export function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
