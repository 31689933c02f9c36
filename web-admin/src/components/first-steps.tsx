// What to do with a ProcOS that has nothing yet: three ways to begin, each one click away.
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { type ApiError, asApiError } from "../api";
import { EXAMPLES, type Example, openExample } from "../examples";
import { asking } from "./asking";
import { Failure } from "./states";
import { BeingBuilt } from "./underway";

export function FirstSteps() {
  const [, go] = useLocation();
  const [opening, setOpening] = useState<string>();
  const [error, setError] = useState<ApiError>();

  const open = async (example: Example) => {
    const from = window.location.pathname;
    setOpening(example.name);
    setError(undefined);
    try {
      const place = await openExample(example);
      // Whoever went on to another page is not fetched back.
      if (window.location.pathname === from) go(place);
    } catch (caught) {
      setError(asApiError(caught));
      setOpening(undefined);
    }
  };

  return (
    <section aria-label="First steps" class="stack">
      <p>Three ways to begin. Everything stays on this machine, and nothing runs before you say so.</p>
      <ul class="cards plain">
        <li class="card stack">
          <h2>Paste requirements</h2>
          <p class="quiet">
            A list of what a system shall do becomes components, functions, interfaces and processes, with
            every requirement traced.
          </p>
          <p>
            <Link class="button primary" href="/systems?build">
              Build from requirements
            </Link>
          </p>
        </li>
        <li class="card stack">
          <h2>Describe a process</h2>
          <p class="quiet">
            Say in your own words what should happen; you get a diagram to look at before anything is
            deployed.
          </p>
          <p>
            <button
              type="button"
              class="primary"
              onClick={() => {
                asking.value = {};
              }}
            >
              Describe it to DAS
            </button>
          </p>
        </li>
        <li class="card stack">
          <h2>Open an example</h2>
          <ul class="plain stack">
            {EXAMPLES.map((example) => (
              <li key={example.name} class="stack tight">
                <span>
                  <button type="button" disabled={opening !== undefined} onClick={() => void open(example)}>
                    {opening === example.name ? `Opening ${example.name} …` : example.name}
                  </button>
                </span>
                <span class="quiet small">{example.words}</span>
              </li>
            ))}
          </ul>
        </li>
      </ul>
      <BeingBuilt />
      {error && <Failure error={error} />}
    </section>
  );
}
