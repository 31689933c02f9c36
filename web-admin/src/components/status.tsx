// The state of a run, in a word and a colour.
const LOOKS: Record<string, [string, string]> = {
  ACTIVE: ["running", "accent"],
  COMPLETED: ["completed", "good"],
  FAILED: ["failed", "bad"],
  TERMINATED: ["cancelled", "warn"],
};

export function Status({ status, incidents }: { status: string; incidents: number }) {
  if (incidents > 0) return <span class="tag bad">needs attention</span>;
  const [word, look] = LOOKS[status] ?? [status.toLowerCase(), ""];
  return <span class={`tag ${look}`}>{word}</span>;
}
