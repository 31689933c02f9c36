// What one version of a process changes against another: steps and flows that come, go, are called something else, or
// do something else.

export interface Change {
  id: string;
  kind: "added" | "removed" | "renamed" | "changed";
  text: string;
  isFlow: boolean;
}

interface Part {
  name: string;
  isFlow: boolean;
  /** All that it says beside its name, its place in the drawing and its neighbours. */
  content: string;
}

const STEP = /(Event|Task|^task|Gateway|^subProcess|^adHocSubProcess|^callActivity|^transaction)$/;
/** What a step names of its neighbours: the flows say that already. */
const NEIGHBOUR = new Set(["incoming", "outgoing", "flowNodeRef"]);
const DEPTH_MAX = 64;

/** What ProcOS declares beside BPMN has names like `task` too. */
const BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL";

const isFlow = (element: Element) => element.localName === "sequenceFlow";
const isPart = (element: Element) =>
  element.namespaceURI === BPMN && (isFlow(element) || STEP.test(element.localName));

function inWords(tag: string): string {
  return tag.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

function content(element: Element, depth = 0): string {
  if (depth > DEPTH_MAX) return "";
  const attributes = [...element.attributes]
    .filter(({ name }) => name !== "name" && !name.startsWith("xmlns"))
    .map(({ name, value }) => `${name}=${value}`)
    .sort();
  const children = [...element.children]
    .filter((child) => !isPart(child) && !NEIGHBOUR.has(child.localName))
    .map((child) => content(child, depth + 1));
  const text = element.children.length === 0 ? element.textContent?.trim() : "";
  return `${element.localName}(${attributes.join(" ")})${text}[${children.join(",")}]`;
}

function parts(xml: string): Map<string, Part> {
  const found = new Map<string, Part>();
  const root = new DOMParser().parseFromString(xml, "application/xml");
  for (const element of root.querySelectorAll("[id]")) {
    const id = element.getAttribute("id");
    if (!id || !isPart(element)) continue;
    const name = element.getAttribute("name") || inWords(element.localName);
    found.set(id, { name, isFlow: isFlow(element), content: content(element) });
  }
  return found;
}

/** The steps of a BPMN file: names by id. */
export function steps(xml: string): Map<string, string> {
  return new Map([...parts(xml)].filter(([, part]) => !part.isFlow).map(([id, { name }]) => [id, name]));
}

/** The changes from one BPMN file to another. */
export function changes(before: string, after: string): Change[] {
  const [from, to] = [parts(before), parts(after)];
  const found: Change[] = [];
  for (const [id, { name, isFlow, content }] of to) {
    const earlier = from.get(id);
    if (!earlier) found.push({ id, kind: "added", text: name, isFlow });
    else if (earlier.name !== name)
      found.push({ id, kind: "renamed", text: `${earlier.name} → ${name}`, isFlow });
    else if (earlier.content !== content) found.push({ id, kind: "changed", text: name, isFlow });
  }
  for (const [id, { name, isFlow }] of from)
    if (!to.has(id)) found.push({ id, kind: "removed", text: name, isFlow });
  return found;
}
