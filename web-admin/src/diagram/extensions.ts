// What a task declares for ProcOS, wherever it stands: beside `procos:task` or inside it. Changes are given as plans
// (which object gets which properties), so that the editor's command stack carries them out and can undo them.
import type { BusinessObject } from "./outline";

export type Create = (type: string, properties?: Record<string, unknown>) => BusinessObject;

/** One change to carry out: `element` gets `properties`. Without `element` the node itself is meant. */
export interface Plan {
  element?: BusinessObject;
  properties: Record<string, unknown>;
}

function beside(node: BusinessObject): BusinessObject[] {
  return (
    ((node.extensionElements as BusinessObject | undefined)?.values as BusinessObject[] | undefined) ?? []
  );
}

/** The `procos:task` of a node. */
export function taskOf(node: BusinessObject): BusinessObject | undefined {
  return beside(node).find(({ $type }) => $type === "procos:Task");
}

function inside(node: BusinessObject): BusinessObject[] {
  return (taskOf(node)?.entries as BusinessObject[] | undefined) ?? [];
}

/** All declarations of one type, in the order of the file. */
export function declared(node: BusinessObject, type: string): BusinessObject[] {
  return [...beside(node), ...inside(node)].filter(({ $type }) => $type === type);
}

function withValues(node: BusinessObject, values: BusinessObject[], create: Create): Plan {
  const holder = create("bpmn:ExtensionElements", { values });
  for (const value of values) value.$parent = holder;
  holder.$parent = node;
  return { properties: { extensionElements: holder } };
}

/** Adds an empty declaration where the node's others stand. */
export function adding(
  node: BusinessObject,
  type: string,
  create: Create,
  properties: Record<string, unknown> = {},
): Plan {
  const task = taskOf(node);
  const entry = create(type, properties);
  if (task && inside(node).length > 0) {
    entry.$parent = task;
    return { element: task, properties: { entries: [...inside(node), entry] } };
  }
  const values = type === "procos:Task" ? [entry, ...beside(node)] : [...beside(node), entry];
  return withValues(node, values, create);
}

/** Takes a declaration away. */
export function removing(node: BusinessObject, entry: BusinessObject, create: Create): Plan {
  const task = taskOf(node);
  if (task && inside(node).includes(entry))
    return { element: task, properties: { entries: inside(node).filter((each) => each !== entry) } };
  return withValues(
    node,
    beside(node).filter((each) => each !== entry),
    create,
  );
}

/** Sets one attribute of a declaration; an empty text takes it away. */
export function setting(entry: BusinessObject, name: string, value: string): Plan {
  return { element: entry, properties: { [name]: value === "" ? undefined : value } };
}
