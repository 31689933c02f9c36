import { describe, expect, it } from "vitest";
import { choices, fromText, type Input, inWords, kindOf, variablesOf } from "./inputs";

const input = (name: string, compared: unknown[] = [], standard: unknown = null): Input => ({
  name,
  default: standard,
  compared,
  readBy: [],
  certain: true,
});

describe("the kind of an input", () => {
  it("is told by its default and by what it is compared with", () => {
    expect(kindOf(input("payload_kg", [], 30))).toBe("number");
    expect(kindOf(input("approved", [true]))).toBe("truth");
    expect(kindOf(input("side", ["sell"], "buy"))).toBe("choice");
    expect(choices(input("side", ["sell", "buy"], "buy"))).toEqual(["buy", "sell"]);
    expect(kindOf(input("order"))).toBe("any");
    expect(kindOf(input("odd", [1, "one"]))).toBe("any");
  });
});

describe("what a person writes", () => {
  it("becomes the value that is meant, and an empty field gives nothing", () => {
    expect(fromText("number", " 1,5 ")).toBe(1.5);
    expect(fromText("truth", "false")).toBe(false);
    expect(fromText("choice", "7")).toBe("7");
    expect(fromText("any", "[1, 2]")).toEqual([1, 2]);
    expect(fromText("any", "ACME")).toBe("ACME");
    expect(fromText("number", "")).toBeUndefined();
  });

  it("names the field that cannot be read", () => {
    expect(() => variablesOf([input("payload_kg", [], 30)], { payload_kg: "heavy" }, "")).toThrow(
      "payload kg: “heavy” is not a number",
    );
    expect(() => variablesOf([], {}, "[1]")).toThrow("must be an object");
    expect(() => variablesOf([], {}, "{")).toThrow("not JSON");
  });

  it("goes together with what stands beside the fields", () => {
    expect(variablesOf([input("a", [], 1), input("b")], { a: "2", b: "" }, '{"c": true}')).toEqual({
      a: 2,
      c: true,
    });
  });

  it("is asked for in words", () => {
    expect(inWords("specific_fuel_consumption_kg_per_kwh")).toBe("specific fuel consumption kg per kwh");
    expect(inWords("limitPrice")).toBe("limit price");
  });
});
