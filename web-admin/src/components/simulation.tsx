// Many dry runs at once: how they end, what probabilistic steps decide.
import { graphql, type ResultOf } from "../api";
import { count } from "../format";
import { Outcomes } from "./outcomes";

export const SIMULATE = graphql(`
  mutation Simulate($input: SimulateProcessInput!) {
    simulateProcess(input: $input) {
      cases completed notes endings { label share low high count }
      elements { elementId name visits outcomes { label share low high count } }
    }
  }
`);

export type Simulation = ResultOf<typeof SIMULATE>["simulateProcess"];

export function SimulationResult({ simulation }: { simulation: Simulation }) {
  return (
    <section class="card stack" role="status" aria-label="Simulation">
      <h2>{count(simulation.cases, "trial")}</h2>
      <h3>How it ends</h3>
      <Outcomes outcomes={[...simulation.endings]} />
      {simulation.elements
        .filter((element) => element.outcomes.length > 0)
        .map((element) => (
          <div key={element.elementId}>
            <h3>{element.name}</h3>
            <Outcomes outcomes={[...element.outcomes]} />
          </div>
        ))}
      {simulation.notes.map((note) => (
        <p key={note} class="small quiet">
          {note}
        </p>
      ))}
    </section>
  );
}
