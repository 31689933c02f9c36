// What a check found, the worst first; each leads to its element on the diagram.
import { graphql, type ResultOf } from "../api";
import type { Marks } from "../diagram/marks";
import { count } from "../format";

export const CHECK = graphql(`
  mutation Check($xml: String!) { checkProcess(xml: $xml) { code severity elementId line message hint } }
`);

export type Finding = ResultOf<typeof CHECK>["checkProcess"][number];

const LOOKS: Record<string, string> = { error: "bad", warning: "warn", hint: "accent" };

/** Where the findings are, for the diagram; an element with several is marked by its worst. */
export function marksOf(findings: readonly Finding[]): Marks {
  const order = ["hint", "warning", "error"];
  const worst = new Map<string, string>();
  for (const { elementId, severity } of findings)
    if (elementId && order.indexOf(severity) >= order.indexOf(worst.get(elementId) ?? "hint"))
      worst.set(elementId, severity);
  return {
    classes: new Map([...worst].map(([id, severity]) => [id, [`finds-${severity}`]])),
    badges: new Map([...worst].map(([id, severity]) => [id, severity])),
  };
}

export function Findings(props: {
  findings: readonly Finding[];
  select?: ((id: string) => void) | undefined;
}) {
  const { findings, select } = props;
  if (findings.length === 0)
    return (
      <div class="notice good" role="status">
        Nothing to complain about: it can be executed, and every path reaches an end.
      </div>
    );
  return (
    <section class="card" role="status" aria-label="Findings">
      <h2>{count(findings.length, "finding")}</h2>
      <ul class="plain lines">
        {findings.map((finding) => {
          const { elementId } = finding;
          return (
            <li key={`${finding.code}${elementId}${finding.message}`}>
              <span class={`tag ${LOOKS[finding.severity] ?? ""}`}>{finding.severity}</span>{" "}
              {elementId !== null &&
                (select ? (
                  <button type="button" class="slim" onClick={() => select(elementId)}>
                    {elementId}
                  </button>
                ) : (
                  <span class="mono">{elementId}</span>
                ))}{" "}
              {finding.message} {finding.hint && <span class="quiet">{finding.hint}</span>}{" "}
              <span class="mono quiet small">{finding.code}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
