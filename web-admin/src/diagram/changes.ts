// What a proposal changes, in words: steps that come, go, or are called something else.

export interface Change {
  id: string;
  kind: "added" | "removed" | "renamed";
  text: string;
}

const STEP = /(Event|Task|task|Gateway|subProcess|callActivity|transaction)$/;

/** The steps of a BPMN file: names by id. Flows are left out: they follow the steps. */
export function steps(xml: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, tag, attributes] of xml.matchAll(
    /<(?:[\w.-]+:)?([A-Za-z]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)/g,
  )) {
    if (!tag || !attributes || !STEP.test(tag)) continue;
    const attribute = (name: string) =>
      new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes)?.slice(1).find(Boolean);
    const id = attribute("id");
    if (id) found.set(id, decode(attribute("name") ?? tag.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()));
  }
  return found;
}

function decode(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|apos|amp|#\d+|#x[\da-f]+);/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return entities[name.toLowerCase()] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** The changes from one BPMN file to another. */
export function changes(before: string, after: string): Change[] {
  const [from, to] = [steps(before), steps(after)];
  const found: Change[] = [];
  for (const [id, name] of to) {
    const earlier = from.get(id);
    if (earlier === undefined) found.push({ id, kind: "added", text: name });
    else if (earlier !== name) found.push({ id, kind: "renamed", text: `${earlier} → ${name}` });
  }
  for (const [id, name] of from) if (!to.has(id)) found.push({ id, kind: "removed", text: name });
  return found;
}
