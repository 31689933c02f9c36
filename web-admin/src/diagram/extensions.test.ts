// @vitest-environment node
import { BpmnModdle } from "bpmn-moddle";
import { describe, expect, it } from "vitest";
import { adding, type Create, declared, type Plan, removing, setting, taskOf } from "./extensions";
import type { BusinessObject } from "./outline";
import { procosModdle } from "./procos-moddle";

const moddle = new BpmnModdle({ procos: procosModdle });
const create = ((type, properties) => moddle.create(type, properties)) as Create;

const file = (extensions: string) => `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d">
  <bpmn:process id="p"><bpmn:serviceTask id="t"><bpmn:extensionElements>${extensions}</bpmn:extensionElements></bpmn:serviceTask></bpmn:process>
</bpmn:definitions>`;

async function open(extensions: string) {
  const { rootElement, warnings } = await moddle.fromXML(file(extensions));
  const process = (rootElement as unknown as { rootElements: { flowElements: BusinessObject[] }[] })
    .rootElements[0];
  const node = process?.flowElements[0] as BusinessObject;
  const carryOut = ({ element, properties }: Plan) => Object.assign(element ?? node, properties);
  const saved = async () => (await moddle.toXML(rootElement)).xml;
  return { node, warnings, carryOut, saved };
}

const BESIDE = `<procos:task by="stochastic" undecided="leader" later="kept"/><procos:outcome label="holds" when="=m &gt;= 0"/><procos:draw variable="x" distribution="normal" mean="=v" sd="2"/><procos:stop rule="winner" delta="0.05"/><zeebe:ioMapping><zeebe:input source="=1" target="v"/></zeebe:ioMapping><procos:origin assumed="true" confidence="0.50"/>`;
const INSIDE = `<procos:task by="feel"><procos:compute variable="a" expression="=1"/><procos:compute variable="b" expression="=2"/></procos:task>`;

describe("what a task declares for ProcOS", () => {
  it("survives an edit that does not concern it", async () => {
    for (const extensions of [BESIDE, INSIDE]) {
      const { warnings, saved } = await open(extensions);
      // An attribute that the metamodel does not name is remarked on, and kept.
      expect(warnings.filter(({ message }) => !message.startsWith("unknown attribute"))).toEqual([]);
      const words = (text: string) => text.replaceAll("&#62;", "&gt;").match(/[\w:.=&;]+="[^"]*"|<[\w:]+/g);
      expect(words(await saved())).toEqual(words(file(extensions)));
    }
  });

  it("is found beside the task and inside it", async () => {
    const beside = await open(BESIDE);
    expect(declared(beside.node, "procos:Outcome").map(({ label }) => label)).toEqual(["holds"]);
    expect(taskOf(beside.node)?.by).toBe("stochastic");
    const inside = await open(INSIDE);
    expect(declared(inside.node, "procos:Compute").map(({ variable }) => variable)).toEqual(["a", "b"]);
  });

  it("grows where the others stand", async () => {
    const beside = await open(BESIDE);
    beside.carryOut(adding(beside.node, "procos:Outcome", create, { label: "violated", success: "false" }));
    expect(await beside.saved()).toContain(`<procos:outcome label="violated" success="false" />`);
    expect(await beside.saved()).toContain(`target="v"`);
    const inside = await open(INSIDE);
    inside.carryOut(adding(inside.node, "procos:Compute", create, { variable: "c", expression: "=3" }));
    expect(taskOf(inside.node)?.entries).toHaveLength(3);
  });

  it("can be started from nothing, changed and taken away", async () => {
    const { node, carryOut, saved } = await open("");
    carryOut(adding(node, "procos:Task", create, { by: "feel" }));
    carryOut(adding(node, "procos:Compute", create));
    const entry = declared(node, "procos:Compute")[0] as BusinessObject;
    carryOut(setting(entry, "variable", "mass"));
    expect(await saved()).toContain(`<procos:compute variable="mass" />`);
    carryOut(setting(entry, "variable", ""));
    expect(await saved()).toContain("<procos:compute />");
    carryOut(removing(node, entry, create));
    expect(await saved()).not.toContain("compute");
    expect(taskOf(node)?.by).toBe("feel");
    const inside = await open(INSIDE);
    inside.carryOut(
      removing(inside.node, declared(inside.node, "procos:Compute")[0] as BusinessObject, create),
    );
    expect(declared(inside.node, "procos:Compute").map(({ variable }) => variable)).toEqual(["b"]);
  });
});
