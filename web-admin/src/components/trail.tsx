// The trail of a run: everything that happened, to be filtered by any word.
import { useState } from "preact/hooks";
import { moment } from "../format";

export interface TrailEntry {
  position: number;
  kind: string;
  at: number;
  actor: string;
  elementId: string | null;
  data: unknown;
}

/** Entries that hold every word of the filter, in what happened, where, who or what was written down. */
export function filtered(entries: readonly TrailEntry[], filter: string): readonly TrailEntry[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries;
  return entries.filter(({ kind, elementId, actor, data }) => {
    const text = `${kind} ${elementId ?? ""} ${actor} ${JSON.stringify(data)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function Trail(props: {
  entries: readonly TrailEntry[];
  total: number;
  named: (id: string) => string;
}) {
  const { entries, total, named } = props;
  const [filter, setFilter] = useState("");
  const shown = filtered(entries, filter);
  return (
    <details class="card">
      <summary>Trail ({total} entries)</summary>
      <div class="row">
        <input
          type="search"
          class="reason"
          aria-label="Filter the trail"
          placeholder="Filter: decided, a step, a person, a value"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <span class="quiet small" role="status">
          {filter === "" ? "" : `${shown.length} of ${entries.length}`}
          {entries.length < total && ` (the first ${entries.length} of ${total} are loaded)`}
        </span>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th class="number">Position</th>
              <th>What</th>
              <th>Step</th>
              <th class="wide-only">Who</th>
              <th class="wide-only">When</th>
              <th>More</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((event) => (
              <tr key={event.position}>
                <td class="number">{event.position}</td>
                <td>{event.kind}</td>
                <td>{event.elementId && named(event.elementId)}</td>
                <td class="quiet wide-only">{event.actor}</td>
                <td class="quiet wide-only">{moment(event.at)}</td>
                <td>
                  <details>
                    <summary class="small" aria-label={`Entry ${event.position}`}>
                      data
                    </summary>
                    <pre>{JSON.stringify(event.data, null, 2)}</pre>
                  </details>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
