import { describe, expect, it } from "vitest";
import { changes } from "./changes";

const process = (inside: string) =>
  `<bpmn:definitions><bpmn:process id="p">${inside}</bpmn:process></bpmn:definitions>`;

describe("the changes of a proposal", () => {
  it("names what comes, what goes and what is called something else", () => {
    const before = process(`<bpmn:task id="a" name="Weigh" /><bpmn:userTask id="b" name="Sign" />`);
    const after = process(
      `<bpmn:task name="Weigh &lt;twice&gt;" id="a"/><bpmn:serviceTask id='c' name='Check "it"'/>`,
    );
    expect(changes(before, after)).toEqual([
      { id: "a", kind: "renamed", text: "Weigh → Weigh <twice>" },
      { id: "c", kind: "added", text: 'Check "it"' },
      { id: "b", kind: "removed", text: "Sign" },
    ]);
  });

  it("finds nothing between equal files, and leaves flows and diagrams out", () => {
    const file = process(`<bpmn:task id="a"/><bpmn:sequenceFlow id="f" name="x"/><bpmndi:BPMNShape id="s"/>`);
    expect(changes(file, file)).toEqual([]);
    expect(changes(process(""), file).map(({ id }) => id)).toEqual(["a"]);
  });
});
