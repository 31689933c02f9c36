// The machine and the parts, as DAS sampled them.
import { percent } from "../format";

export interface VitalsShown {
  processor: number | null;
  memoryTotalBytes: number | null;
  memoryAvailableBytes: number | null;
  diskTotalBytes: number | null;
  diskFreeBytes: number | null;
  outbox: number | null;
  jobs: number | null;
  engine: { ok: boolean; detail: string | null };
  memory: { ok: boolean; detail: string | null };
}

function room(free: number | null, total: number | null): string | undefined {
  if (free === null || total === null || total === 0) return undefined;
  return `${(free / 1e9).toFixed(1)} GB of ${(total / 1e9).toFixed(1)} GB`;
}

export function Machine({ vitals }: { vitals: VitalsShown }) {
  const rows: [string, string | undefined][] = [
    ["processors", vitals.processor === null ? undefined : `${percent(vitals.processor)} busy`],
    ["memory left", room(vitals.memoryAvailableBytes, vitals.memoryTotalBytes)],
    ["disk left", room(vitals.diskFreeBytes, vitals.diskTotalBytes)],
    ["waiting for delivery", vitals.outbox === null ? undefined : String(vitals.outbox)],
    ["waiting jobs", vitals.jobs === null ? undefined : String(vitals.jobs)],
  ];
  const parts = [
    ["process engine", vitals.engine],
    ["memory", vitals.memory],
  ] as const;
  return (
    <section class="card" aria-label="Machine">
      <h2>Machine</h2>
      <ul class="plain lines">
        {parts.map(([name, part]) => (
          <li key={name} class="row between">
            <span>{name}</span>
            <span class={`tag ${part.ok ? "good" : "bad"}`}>
              {part.ok ? "answers" : (part.detail ?? "down")}
            </span>
          </li>
        ))}
        {rows.map(
          ([name, text]) =>
            text !== undefined && (
              <li key={name} class="row between">
                <span>{name}</span>
                <span class="quiet">{text}</span>
              </li>
            ),
        )}
      </ul>
    </section>
  );
}
