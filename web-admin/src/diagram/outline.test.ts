import { describe, expect, it } from "vitest";
import { type BusinessObject, outline } from "./outline";

function node(id: string, type: string, name?: string): BusinessObject {
  return { id, $type: `bpmn:${type}`, ...(name ? { name } : {}), outgoing: [], incoming: [] };
}
function flow(from: BusinessObject, to: BusinessObject, name?: string) {
  from.outgoing?.push({ targetRef: to, ...(name ? { name } : {}) });
  to.incoming?.push(from);
}

describe("the outline of a process", () => {
  it("lists steps in the order in which they are reached, with what follows in words", () => {
    const [start, check, decide, ship, refuse] = [
      node("s", "StartEvent"),
      node("c", "ServiceTask", "Check order"),
      node("d", "ExclusiveGateway", "In stock?"),
      node("p", "UserTask", "Ship"),
      node("r", "EndEvent", "Refused"),
    ] as const;
    flow(start, check);
    flow(check, decide);
    flow(decide, ship, "yes");
    flow(decide, refuse, "no");
    const entries = outline(
      [refuse, ship, decide, check, start].map((businessObject) => ({ businessObject })),
    );
    expect(entries.map(({ id }) => id)).toEqual(["s", "c", "d", "p", "r"]);
    expect(entries[2]).toMatchObject({
      text: "Decision: In stock?",
      leadsTo: "then Ship (yes) or End: Refused (no)",
    });
  });

  it("ends on a loop", () => {
    const [start, work] = [node("s", "StartEvent"), node("w", "ServiceTask", "Work")] as const;
    flow(start, work);
    flow(work, work);
    expect(outline([start, work].map((businessObject) => ({ businessObject })))).toHaveLength(2);
  });

  it("puts the contents of a sub-process below it", () => {
    const [outer, inner] = [node("o", "SubProcess", "Build"), node("i", "Task", "Weld")] as const;
    inner.$parent = outer;
    const entries = outline([outer, inner].map((businessObject) => ({ businessObject })));
    expect(entries.map(({ id, depth }) => [id, depth])).toEqual([
      ["o", 0],
      ["i", 1],
    ]);
  });
});
