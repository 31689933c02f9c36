// Prompts: which there are, which version is in use, and how surely it does what it should.
import { Link } from "wouter-preact";
import { ask, graphql } from "../api";
import { Rate } from "../components/rate";
import { Empty, Show } from "../components/states";
import { count } from "../format";
import { useLoad } from "../load";
import { useTitle } from "../title";

const PROMPTS = graphql(`
  query Prompts {
    prompts {
      name
      versions { version }
      production { version passRate { attempts average low high } }
    }
  }
`);

export default function Prompts() {
  useTitle("Prompts");
  const loaded = useLoad("prompts", () => ask(PROMPTS, {}), 10_000);
  return (
    <>
      <h1>Prompts</h1>
      <Show of={loaded}>
        {({ prompts }) =>
          prompts.length === 0 ? (
            <Empty>
              <h2>No prompt yet</h2>
              <p>
                A task that is done by a language model can name a prompt. Save one with{" "}
                <code>procos prompt save</code>; it is tested and approved before a task may use it.
              </p>
            </Empty>
          ) : (
            <table class="lines">
              <thead>
                <tr>
                  <th>Prompt</th>
                  <th>Versions</th>
                  <th>In production</th>
                  <th>Pass rate</th>
                </tr>
              </thead>
              <tbody>
                {prompts.map(({ name, versions, production }) => (
                  <tr key={name}>
                    <td>
                      <Link href={`/prompts/${encodeURIComponent(name)}`}>{name}</Link>
                    </td>
                    <td>{count(versions.length, "version")}</td>
                    <td class="mono">{production ? production.version.slice(0, 12) : "none"}</td>
                    <td>{production ? <Rate of={production.passRate} /> : <span class="quiet">–</span>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Show>
    </>
  );
}
