// The ProcOS extension of BPMN as the editor's metamodel knows it, so that its attributes survive an edit. What a
// task declares may stand beside `procos:task` or inside it; attributes that are not named here are kept as they are.
const text = (name: string) => ({ name, isAttr: true, type: "String" });

export const procosModdle = {
  name: "ProcOS",
  uri: "https://w3id.org/procos/bpmn/1.0",
  prefix: "procos",
  xml: { tagAlias: "lowerCase" },
  types: [
    {
      name: "Task",
      superClass: ["Element"],
      properties: [
        ...["by", "ref", "class", "undecided", "isolation", "executor", "grouping", "similarity"].map(text),
        { name: "entries", type: "Element", isMany: true },
      ],
    },
    { name: "Outcome", superClass: ["Element"], properties: ["label", "success", "when"].map(text) },
    {
      name: "Draw",
      superClass: ["Element"],
      properties: [
        "variable",
        "distribution",
        "mean",
        "sd",
        "low",
        "high",
        "mode",
        "rate",
        "alpha",
        "beta",
        "p",
        "value",
        "values",
        "weights",
      ].map(text),
    },
    {
      name: "Stop",
      superClass: ["Element"],
      properties: ["rule", "delta", "share", "samples", "tokens", "cost", "time"].map(text),
    },
    { name: "Compute", superClass: ["Element"], properties: ["variable", "expression"].map(text) },
    {
      name: "Origin",
      superClass: ["Element"],
      properties: ["assumed", "confidence", "start", "end"].map(text),
    },
    { name: "Prompt", superClass: ["Element"], properties: [{ name: "body", isBody: true, type: "String" }] },
  ],
} as const;
