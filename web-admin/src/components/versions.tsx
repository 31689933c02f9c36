// All versions of a process, and what one changed against another.
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { ask, graphql } from "../api";
import { Comparison } from "../diagram/comparison";
import { moment } from "../format";
import { useLoad } from "../load";
import { Show } from "./states";

const XML = graphql(`query VersionXml($key: Key!) { processDefinition(key: $key) { version xml } }`);

export interface Version {
  key: string;
  version: number;
  deployedAt: number;
}

export function Versions(props: {
  name: string;
  here: Version & { xml: string };
  versions: readonly Version[];
}) {
  const { name, here, versions } = props;
  const [other, setOther] = useState<string>();
  if (versions.length < 2) return null;
  return (
    <section class="card" aria-label="Versions">
      <h2>Versions</h2>
      <ul class="plain lines">
        {versions.map((version) => (
          <li key={version.key} class="row">
            <span class="grow">
              {version.key === here.key ? (
                <strong>Version {version.version}, shown here</strong>
              ) : (
                <Link href={`/processes/${version.key}`}>Version {version.version}</Link>
              )}{" "}
              <span class="quiet small">{moment(version.deployedAt)}</span>
            </span>
            {version.key !== here.key && (
              <button
                type="button"
                class="slim"
                aria-expanded={other === version.key}
                onClick={() => setOther(other === version.key ? undefined : version.key)}
              >
                {other === version.key ? "Hide the comparison" : `Compare with version ${version.version}`}
              </button>
            )}
          </li>
        ))}
      </ul>
      {other !== undefined && <Compared key={other} name={name} here={here} other={other} />}
    </section>
  );
}

function Compared(props: { name: string; here: Version & { xml: string }; other: string }) {
  const { name, here, other } = props;
  const loaded = useLoad(`xml of ${other}`, () => ask(XML, { key: other }));
  return (
    <Show of={loaded}>
      {({ processDefinition }) => {
        if (!processDefinition) return <p class="quiet">This version is not there any more.</p>;
        const [older, newer] = [here, processDefinition].sort((a, b) => a.version - b.version);
        if (!older || !newer) return null;
        return (
          <Comparison
            title={name}
            before={older.xml}
            after={newer.xml}
            sides={[`Version ${older.version}`, `Version ${newer.version}`]}
          />
        );
      }}
    </Show>
  );
}
