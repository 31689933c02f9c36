// What is missing in a system: contradictions, requirements without a home, parts without a reason.
import { count } from "../format";
import type { SystemData } from "../pages/system-query";

export function Gaps({ coverage }: { coverage: SystemData["coverage"] }) {
  const gaps =
    coverage.unallocated.length +
    coverage.orphanComponents.length +
    coverage.orphanFunctions.length +
    coverage.conflicts.length;
  if (gaps === 0)
    return <p class="small quiet">No gaps: nothing unallocated, no orphans, no contradictions.</p>;
  return (
    <details open={coverage.conflicts.length > 0}>
      <summary>{count(gaps, "gap")}</summary>
      <ul class="plain">
        {coverage.conflicts.map((conflict) => (
          <li key={conflict.why}>
            <span class="tag bad">contradiction</span> {conflict.requirements.join(" and ")}: {conflict.why}
          </li>
        ))}
        {coverage.unallocated.map((gap) => (
          <li key={gap.id}>
            <span class="tag warn">not allocated</span> {gap.id}: {gap.reason}
          </li>
        ))}
        {coverage.orphanComponents.map((node) => (
          <li key={node.localId}>
            <span class="tag warn">component without requirement</span> {node.label}
          </li>
        ))}
        {coverage.orphanFunctions.map((node) => (
          <li key={node.localId}>
            <span class="tag warn">function without component</span> {node.label}
          </li>
        ))}
      </ul>
    </details>
  );
}
