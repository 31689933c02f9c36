// What a person can give to a process or answer at a task: which kind of value is meant, and reading it from text.

export interface Input {
  name: string;
  /** What the process takes where nothing is given; null where it does not say. */
  default?: unknown;
  /** Constants it is compared with. */
  compared: readonly unknown[];
  readBy: readonly string[];
  /** False where a task may give it instead. */
  certain: boolean;
}

export type Kind = "truth" | "number" | "choice" | "any";

/** Which kind of value is meant, as far as its default and what it is compared with tell. */
export function kindOf(input: Input): Kind {
  const known = [input.default, ...input.compared].filter((value) => value !== null && value !== undefined);
  const all = (type: string) => known.length > 0 && known.every((value) => typeof value === type);
  if (all("boolean")) return "truth";
  if (all("number")) return "number";
  return all("string") ? "choice" : "any";
}

/** The texts that make a difference to a choice. */
export function choices(input: Input): string[] {
  const texts = [input.default, ...input.compared].filter((value) => typeof value === "string");
  return [...new Set(texts)];
}

/** A value as it stands in a field. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A name in words: `payload_kg` is `payload kg`, `limitPrice` is `limit price`. */
export function inWords(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .replaceAll("_", " ");
}

/** Reads one field; an empty one gives nothing. Throws what is wrong, in words. */
export function fromText(kind: Kind, text: string): unknown {
  const given = text.trim();
  if (given === "") return undefined;
  if (kind === "truth") return given === "true";
  if (kind === "choice") return given;
  if (kind === "number") {
    const number = Number(given.replace(",", "."));
    if (Number.isNaN(number)) throw new Error(`“${given}” is not a number`);
    return number;
  }
  try {
    return JSON.parse(given);
  } catch {
    // Whoever writes a word means the word.
    return given;
  }
}

/** All fields and what was written beside them as JSON, as variables. Throws what is wrong, naming the field. */
export function variablesOf(
  inputs: readonly Input[],
  texts: Record<string, string>,
  more: string,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const input of inputs) {
    try {
      const value = fromText(kindOf(input), texts[input.name] ?? "");
      if (value !== undefined) found[input.name] = value;
    } catch (problem) {
      throw new Error(`${inWords(input.name)}: ${problem instanceof Error ? problem.message : problem}`);
    }
  }
  if (more.trim() === "") return found;
  let beside: unknown;
  try {
    beside = JSON.parse(more);
  } catch (problem) {
    throw new Error(`More variables are not JSON: ${problem instanceof Error ? problem.message : problem}`);
  }
  if (typeof beside !== "object" || beside === null || Array.isArray(beside))
    throw new Error('More variables must be an object, e.g. {"payload_kg": 30}');
  return { ...found, ...beside };
}
