// How much longer a run takes and how it ends, where that can be said.
import { useEffect, useState } from "preact/hooks";
import { ask, graphql, type ResultOf } from "../api";
import { count, duration, percent } from "../format";

const FORECAST = graphql(`
  query Forecast($key: Key!) {
    processInstance(key: $key) {
      forecast {
        quantiles { share seconds }
        ends { elementId name share { value } }
        stuck beyond recordedCases
      }
    }
  }
`);

type Found = NonNullable<NonNullable<ResultOf<typeof FORECAST>["processInstance"]>["forecast"]>;

/** `at` says where the run stands: a new forecast is asked for when that changes. */
export function Forecast({ run, at, named }: { run: string; at: string; named: (id: string) => string }) {
  const [found, setFound] = useState<Found>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: where the run stands makes the forecast another one
  useEffect(() => {
    let current = true;
    ask(FORECAST, { key: run }).then(
      (answer) => current && setFound(answer.processInstance?.forecast ?? undefined),
      // A process that cannot be simulated in time has no forecast; there is nothing to say then.
      () => current && setFound(undefined),
    );
    return () => {
      current = false;
    };
  }, [run, at]);
  if (!found) return null;
  const seconds = (share: number) => found.quantiles.find((each) => each.share === share)?.seconds ?? 0;
  const left = (share: number) => duration(seconds(share) * 1000);
  return (
    <section class="card" aria-label="Forecast">
      <h2>Forecast</h2>
      <p>
        About <strong>{left(0.5)}</strong> left; with 80 % probability {left(0.1)} to {left(0.9)}.
      </p>
      {found.ends.length > 1 && (
        <ul class="plain">
          {found.ends.map((end) => (
            <li key={end.elementId}>
              {end.name} <span class="quiet">{percent(end.share.value)}</span>
            </li>
          ))}
        </ul>
      )}
      {found.stuck > 0 && <p>With probability {percent(found.stuck)} it never ends.</p>}
      {found.beyond.map((id) => (
        <p key={id}>{named(id)} has been going on for longer than anything known of it.</p>
      ))}
      <p class="small quiet">
        By what {count(found.recordedCases, "recorded case")} showed, and what the file assumes.
      </p>
    </section>
  );
}
