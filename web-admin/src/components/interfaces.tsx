// The interfaces between components, and the bounds and budgets they must keep.
import { count } from "../format";
import type { SystemParts } from "../pages/system-query";

/** Rows of each table; a system with thousands would make the page slow for what nobody reads. */
const SHOWN_MAX = 500;

export function Interfaces({ system }: { system: SystemParts }) {
  if (system.interfaces.length + system.constraints.length === 0) return null;
  return (
    <details class="card">
      <summary>
        {count(system.interfaces.length, "interface")} and {count(system.constraints.length, "constraint")}
        {Math.max(system.interfaces.length, system.constraints.length) > SHOWN_MAX &&
          ` (the first ${SHOWN_MAX} of each are shown)`}
      </summary>
      <div class="scroll">
        <table>
          <caption class="visually-hidden">Interfaces</caption>
          <thead>
            <tr>
              <th>Interface</th>
              <th>From</th>
              <th>To</th>
              <th>Item</th>
              <th>Unit</th>
            </tr>
          </thead>
          <tbody>
            {system.interfaces.slice(0, SHOWN_MAX).map((entry) => (
              <tr key={entry.localId}>
                <td>{entry.name}</td>
                <td>{entry.source?.localId}</td>
                <td>{entry.target?.localId}</td>
                <td>
                  {entry.item} {entry.direction === "both" && <span class="quiet">(both ways)</span>}
                </td>
                <td>{entry.unit}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption class="visually-hidden">Constraints</caption>
          <thead>
            <tr>
              <th>Constraint</th>
              <th>Kind</th>
              <th>Of</th>
              <th>Bound</th>
            </tr>
          </thead>
          <tbody>
            {system.constraints.slice(0, SHOWN_MAX).map((entry) => (
              <tr key={entry.localId}>
                <td>{entry.name}</td>
                <td>{entry.kind}</td>
                <td>{entry.subject}</td>
                <td>
                  {entry.property} {entry.comparator} {Number(entry.siValue.toPrecision(6))} {entry.siUnit}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
