// How ProcOS itself executes instances and tasks: processes like any other, to open and to change.
import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { type ApiError, asApiError, ask, graphql, tell } from "../api";
import { Failure } from "./states";

const TEMPLATES = graphql(`query Templates { server { templates { name xml } } }`);
const OPEN = graphql(`
  mutation OpenTemplate($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key } } }
`);

const WORKERS = [
  { name: "pdo", words: "How an instance is executed" },
  { name: "tde", words: "How a task is executed" },
];

export function Workers() {
  const [, go] = useLocation();
  const [error, setError] = useState<ApiError>();

  // Deploying what is in use changes nothing; it makes it a process with versions that the editor opens.
  const open = async (name: string) => {
    setError(undefined);
    try {
      const { server } = await ask(TEMPLATES, {});
      const found = server.templates.find((template) => template.name === name);
      if (!found) return;
      const input = { fileName: `${name}.bpmn`, xml: found.xml };
      const { deployProcess } = await tell(OPEN, { input });
      const first = deployProcess.definitions[0];
      if (first) go(`/processes/${first.key}`);
    } catch (caught) {
      setError(asApiError(caught));
    }
  };

  return (
    <section class="card" aria-label="How ProcOS itself works">
      <p class="quiet small">
        ProcOS executes processes by processes. Open one, change it and save it: from then on work is done
        that way. One that cannot work is refused, and the last good one stays.
      </p>
      <div class="actions">
        {WORKERS.map(({ name, words }) => (
          <button type="button" key={name} onClick={() => void open(name)}>
            {words}
          </button>
        ))}
      </div>
      {error && <Failure error={error} />}
    </section>
  );
}
