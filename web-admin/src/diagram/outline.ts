// A process as an ordered list of steps in words: what a keyboard or a screen reader can walk through.

export interface BusinessObject {
  id: string;
  $type: string;
  name?: string;
  $parent?: BusinessObject;
  outgoing?: { name?: string; targetRef?: BusinessObject }[];
  incoming?: unknown[];
  [property: string]: unknown;
}

export interface OutlineEntry {
  id: string;
  depth: number;
  text: string;
  /** What follows: `then X`, `then X or Y`, `then X and Y together`. */
  leadsTo: string;
}

const KIND_WORDS: Record<string, string> = {
  "bpmn:StartEvent": "Start",
  "bpmn:EndEvent": "End",
  "bpmn:ExclusiveGateway": "Decision",
  "bpmn:InclusiveGateway": "One or more of",
  "bpmn:ParallelGateway": "Together",
  "bpmn:EventBasedGateway": "Whichever happens first",
  "bpmn:SubProcess": "Sub-process",
  "bpmn:BoundaryEvent": "Exception",
};

/** The words for a node: its name, or what it is. */
export function words(node: BusinessObject): string {
  const kind = KIND_WORDS[node.$type] ?? node.$type.replace("bpmn:", "").replace(/([a-z])([A-Z])/g, "$1 $2");
  if (!node.name) return kind;
  return KIND_WORDS[node.$type] ? `${kind}: ${node.name}` : node.name;
}

function leadsTo(node: BusinessObject): string {
  const targets = (node.outgoing ?? []).flatMap(({ name, targetRef }) =>
    targetRef ? [`${words(targetRef)}${name ? ` (${name})` : ""}`] : [],
  );
  if (targets.length === 0) return "";
  if (targets.length === 1) return `then ${targets[0]}`;
  const joined = node.$type === "bpmn:ParallelGateway" ? " and " : " or ";
  return `then ${targets.join(joined)}`;
}

/** The steps in the order in which they can be reached, contents of a sub-process below it. */
export function outline(shapes: { businessObject: BusinessObject }[]): OutlineEntry[] {
  const nodes = new Map<string, BusinessObject>();
  for (const { businessObject: node } of shapes) {
    const isNode = /Event$|Task$|Gateway$|SubProcess$|CallActivity$|Transaction$/.test(node.$type);
    if (isNode) nodes.set(node.id, node);
  }
  const depth = (node: BusinessObject) => {
    let found = 0;
    for (let parent = node.$parent; parent && found < 64; parent = parent.$parent)
      if (nodes.has(parent.id)) found += 1;
    return found;
  };
  const entries: OutlineEntry[] = [];
  const seen = new Set<string>();
  const walk = (first: BusinessObject) => {
    const waiting = [first];
    while (waiting.length > 0) {
      const node = waiting.pop() as BusinessObject;
      if (seen.has(node.id) || !nodes.has(node.id)) continue;
      seen.add(node.id);
      entries.push({ id: node.id, depth: depth(node), text: words(node), leadsTo: leadsTo(node) });
      const next = (node.outgoing ?? []).flatMap(({ targetRef }) => (targetRef ? [targetRef] : []));
      const inside = [...nodes.values()].filter(
        (each) => each.$parent?.id === node.id && !each.incoming?.length,
      );
      waiting.push(...next.reverse(), ...inside.reverse());
    }
  };
  for (const node of nodes.values()) if (node.$type === "bpmn:StartEvent" && depth(node) === 0) walk(node);
  for (const node of nodes.values()) walk(node);
  return entries;
}
