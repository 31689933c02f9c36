// The interfaces between components, and the bounds and budgets they must keep.
import { count } from "../format";
import type { SystemParts } from "../pages/system-query";

export function Interfaces({ system }: { system: SystemParts }) {
  const { interfaces, constraints } = system;
  if (interfaces.totalCount + constraints.totalCount === 0) return null;
  return (
    <details class="card">
      <summary>
        {count(interfaces.totalCount, "interface")} and {count(constraints.totalCount, "constraint")}
        {[interfaces, constraints].some(({ totalCount, nodes }) => totalCount > nodes.length) &&
          ` (the first ${Math.max(interfaces.nodes.length, constraints.nodes.length)} of each are shown)`}
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
            {interfaces.nodes.map((entry) => (
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
            {constraints.nodes.map((entry) => (
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
