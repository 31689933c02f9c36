import { describe, expect, it } from "vitest";
import { changes, steps } from "./changes";

const process = (inside: string) =>
  `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"><bpmn:process id="p">${inside}</bpmn:process></bpmn:definitions>`;

describe("the changes of a proposal", () => {
  it("names what comes, what goes and what is called something else", () => {
    const before = process(`<bpmn:task id="a" name="Weigh" /><bpmn:userTask id="b" name="Sign" />`);
    const after = process(
      `<bpmn:task name="Weigh &lt;twice&gt;" id="a"/><bpmn:serviceTask id='c' name='Check "it"'/>`,
    );
    expect(changes(before, after)).toEqual([
      { id: "a", kind: "renamed", text: "Weigh → Weigh <twice>", isFlow: false },
      { id: "c", kind: "added", text: 'Check "it"', isFlow: false },
      { id: "b", kind: "removed", text: "Sign", isFlow: false },
    ]);
  });

  it("finds nothing between equal files, and leaves the drawing and the neighbours out", () => {
    const before = process(`<bpmn:task id="a"/><bpmndi:BPMNShape id="s" x="1"/>`);
    expect(changes(before, before)).toEqual([]);
    const after = process(`<bpmn:task id="a"><bpmn:incoming>f</bpmn:incoming></bpmn:task>`);
    expect(changes(before, after)).toEqual([]);
  });

  it("finds a step and a flow that do something else under the same name", () => {
    const file = (seconds: number, when: string) =>
      process(
        `<bpmn:task id="a" name="Wait"><bpmn:extensionElements><procos:task><procos:compute expression="${seconds}"/></procos:task></bpmn:extensionElements></bpmn:task>` +
          `<bpmn:sequenceFlow id="f" name="yes"><bpmn:conditionExpression>=${when}</bpmn:conditionExpression></bpmn:sequenceFlow>`,
      );
    expect(changes(file(1, "x"), file(2, "y"))).toEqual([
      { id: "a", kind: "changed", text: "Wait", isFlow: false },
      { id: "f", kind: "changed", text: "yes", isFlow: true },
    ]);
  });

  it("does not take what changes inside a sub-process for a change of it", () => {
    const file = (name: string) =>
      process(`<bpmn:subProcess id="s" name="Inside"><bpmn:task id="a" name="${name}"/></bpmn:subProcess>`);
    expect(changes(file("one"), file("two")).map(({ id }) => id)).toEqual(["a"]);
    expect([...steps(file("one"))]).toEqual([
      ["s", "Inside"],
      ["a", "one"],
    ]);
  });
});
