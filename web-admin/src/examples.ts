// What a new ProcOS can open at once: the examples that come with it, read only when somebody asks for one.
import { graphql, tell } from "./api";
import { see } from "./jobs";

const BUILD = graphql(`
  mutation BuildExample($input: BootstrapSystemInput!) { bootstrapSystem(input: $input) { id } }
`);
const DEPLOY = graphql(`
  mutation DeployExample($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key } } }
`);

interface Part {
  fileName: string;
  text: () => Promise<{ default: string }>;
}
export interface Example {
  name: string;
  words: string;
  requirements?: Part;
  processes: Part[];
}

export const EXAMPLES: Example[] = [
  {
    name: "Light aircraft",
    words: "54 requirements become components, functions and running processes; a loop sizes the aircraft.",
    requirements: {
      fileName: "requirements.md",
      text: () => import("../../examples/light-aircraft/requirements.md?raw"),
    },
    processes: [
      {
        fileName: "size-aircraft.bpmn",
        text: () => import("../../examples/light-aircraft/size-aircraft.bpmn?raw"),
      },
    ],
  },
  {
    name: "Trading order",
    words: "An order is checked, held against limits, its slippage drawn, approved by a person, settled.",
    processes: [
      { fileName: "trading-order.bpmn", text: () => import("../../examples/trading-order.bpmn?raw") },
    ],
  },
  {
    name: "Supply chain reorder",
    words: "Demand and lead time are drawn, stock is compared with the reorder point, an order is placed.",
    processes: [
      {
        fileName: "supply-chain-reorder.bpmn",
        text: () => import("../../examples/supply-chain-reorder.bpmn?raw"),
      },
    ],
  },
];

/** Builds and deploys an example; gives the page to look at. */
export async function openExample(example: Example): Promise<string> {
  let place = "/processes";
  for (const { fileName, text } of example.processes) {
    const xml = (await text()).default;
    const { deployProcess } = await tell(DEPLOY, { input: { fileName, xml } });
    place = `/processes/${deployProcess.definitions[0]?.key ?? ""}`;
  }
  if (!example.requirements) return place;
  const content = (await example.requirements.text()).default;
  const input = { name: example.name, content, fileName: example.requirements.fileName, run: true };
  const { bootstrapSystem } = await tell(BUILD, { input });
  await see(bootstrapSystem.id, example.name);
  return `/systems/${encodeURIComponent(example.name)}`;
}
