// What is being built right now, with its steps.
import { underway } from "../jobs";
import { CancelJob } from "./cancel-job";
import { Progress } from "./progress";

export function BeingBuilt() {
  return (
    <>
      {underway.value.map(({ id, name, steps }) => (
        <section key={id} class="card" aria-label={`Building ${name}`}>
          <h2>{name} is being built</h2>
          {steps.length === 0 && <p class="quiet">It has just begun.</p>}
          <Progress steps={steps} />
          <CancelJob id={id} name={name} />
        </section>
      ))}
    </>
  );
}
