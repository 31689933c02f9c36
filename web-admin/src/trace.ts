// The trace of a system: which nodes light up when one is chosen. Pure, so that it can be tested without a page.

export type Layer = "requirements" | "components" | "processes" | "functions";
export const LAYERS: Layer[] = ["requirements", "components", "processes", "functions"];

/** A link as the ontology keeps it: ids of nodes at both ends. */
export interface Link {
  kind: string;
  source: string;
  target: string;
}

export type Neighbours = Map<string, { up: Set<string>; down: Set<string> }>;

/** Which way a link leads from the requirement to what realises it; kinds that are not part of a line are left out. */
const DOWNWARD = new Set(["allocated_to", "satisfied_by", "performs", "realised_by", "verified_by"]);

/** Indexes links by both ends. */
export function neighbours(links: Link[]): Neighbours {
  const found: Neighbours = new Map();
  const at = (id: string) => {
    let entry = found.get(id);
    if (!entry) {
      entry = { up: new Set(), down: new Set() };
      found.set(id, entry);
    }
    return entry;
  };
  for (const link of links) {
    if (!DOWNWARD.has(link.kind)) continue;
    at(link.source).down.add(link.target);
    at(link.target).up.add(link.source);
  }
  return found;
}

/**
 * The line through a node: everything it leads to, everything that leads to it, and itself. Going down never turns
 * up again (and the other way round), so that a shared component does not light up the whole system.
 */
export function line(through: string, index: Neighbours): Set<string> {
  const lit = new Set([through]);
  for (const direction of ["up", "down"] as const) {
    const waiting = [through];
    while (waiting.length > 0) {
      const id = waiting.pop() as string;
      for (const next of index.get(id)?.[direction] ?? []) {
        if (!lit.has(next)) {
          lit.add(next);
          waiting.push(next);
        }
      }
    }
  }
  return lit;
}

/** Entries whose text holds every word of the filter, whatever the case. */
export function matching<Entry extends { localId: string; label: string }>(
  entries: Entry[],
  filter: string,
): Entry[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries;
  return entries.filter((entry) => {
    const text = `${entry.localId} ${entry.label}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Components as a tree: each below its parent, with its depth; whoever has an unknown parent stands at the top. */
export function treeOrder<
  Node extends { localId: string; label: string; parent: { localId: string } | null },
>(nodes: readonly Node[]): { localId: string; label: string; depth: number }[] {
  const known = new Set(nodes.map(({ localId }) => localId));
  const children = new Map<string | undefined, Node[]>();
  for (const node of nodes) {
    const parent = node.parent && known.has(node.parent.localId) ? node.parent.localId : undefined;
    const siblings = children.get(parent);
    if (siblings) siblings.push(node);
    else children.set(parent, [node]);
  }
  const ordered: { localId: string; label: string; depth: number }[] = [];
  const placed = new Set<string>();
  const waiting = (children.get(undefined) ?? []).map((node) => ({ node, depth: 0 })).reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, depth } = next;
    if (placed.has(node.localId)) continue;
    placed.add(node.localId);
    ordered.push({ localId: node.localId, label: node.label, depth });
    waiting.push(
      ...(children.get(node.localId) ?? []).map((child) => ({ node: child, depth: depth + 1 })).reverse(),
    );
  }
  // A ring of parents has no top; its members are shown all the same.
  for (const { localId, label } of nodes)
    if (!placed.has(localId)) ordered.push({ localId, label, depth: 0 });
  return ordered;
}
