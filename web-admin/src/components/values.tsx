// Named values, one a line; what is longer opens.
import { Fragment } from "preact";

const ONE_LINE = 60;

/** A value on one line; what is longer opens. */
export function Value({ value }: { value: unknown }) {
  if (typeof value === "number") return <>{String(Number(value.toPrecision(8)))}</>;
  const text = JSON.stringify(value) ?? "";
  if (text.length <= ONE_LINE) return <>{text}</>;
  return (
    <details>
      <summary>{text.slice(0, ONE_LINE - 10)} …</summary>
      <pre>{JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}

export function Values({ of }: { of: Record<string, unknown> }) {
  const entries = Object.entries(of);
  if (entries.length === 0) return <p class="small quiet">No values.</p>;
  return (
    <dl class="facts values small">
      {entries.map(([name, value]) => (
        <Fragment key={name}>
          <dt class="mono">{name}</dt>
          <dd class="mono">
            <Value value={value} />
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** The result of a task without what the bars of its verdict already show. */
export function resultOf(outputs: unknown, hasVerdict: boolean): Record<string, unknown> {
  const entries = Object.entries((outputs ?? {}) as Record<string, unknown>);
  const shown = new Set(hasVerdict ? ["shares", "winner", "undecided", "samples"] : []);
  return Object.fromEntries(
    entries.filter(([name, value]) => !shown.has(name) && !(hasVerdict && isVerdict(value))),
  );
}

function isVerdict(value: unknown): boolean {
  return typeof value === "object" && value !== null && "shares" in value && "reason" in value;
}
