// What a proposal changes besides a process: the lines of a prompt, the nodes and processes of a system.
const SIGNS: Record<string, [string, string]> = {
  ADDED: ["+", "added"],
  REMOVED: ["−", "removed"],
  CHANGED: ["~", "changed"],
  KEPT: [" ", "kept"],
};
/** Lines that are shown before the rest is only counted. */
const SHOWN = 300;

export interface PromptDiff {
  name: string;
  lines: readonly { effect: string; text: string }[];
}
export interface BuildDiff {
  system: string;
  first: boolean;
  links: number;
  untouched: number;
  nodes: readonly { localId: string; kind: string; label: string; effect: string }[];
  processes: readonly {
    process: string;
    effect: string;
    added: readonly string[];
    removed: readonly string[];
  }[];
}

function Line({ effect, text }: { effect: string; text: string }) {
  const [sign, word] = SIGNS[effect.toUpperCase()] ?? ["?", effect];
  return (
    <li class={`change ${word}`}>
      <span aria-hidden="true">{sign} </span>
      <span class="visually-hidden">{word}: </span>
      {text}
    </li>
  );
}

export function PromptChange({ prompt }: { prompt: PromptDiff }) {
  return (
    <section class="scroll" aria-label={`Changes of the prompt ${prompt.name}`}>
      <ul class="plain diff">
        {prompt.lines.map((line, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines never move
          <Line key={place} effect={line.effect} text={line.text} />
        ))}
      </ul>
    </section>
  );
}

export function BuildChange({ build }: { build: BuildDiff }) {
  return (
    <section class="scroll" aria-label={`Changes of the system ${build.system}`}>
      <p class="quiet">
        {build.first ? `${build.system} does not exist yet` : `${build.untouched} nodes stay as they are`};{" "}
        {build.links} links come or go
      </p>
      <ul class="plain diff">
        {build.nodes.slice(0, SHOWN).map((node) => (
          <Line
            key={node.localId}
            effect={node.effect}
            text={`${node.kind} ${node.localId}: ${node.label}`}
          />
        ))}
        {build.nodes.length > SHOWN && <li>and {build.nodes.length - SHOWN} nodes more</li>}
        {build.processes.map((process) => (
          <li key={process.process}>
            <ul class="plain">
              <Line effect={process.effect} text={`process ${process.process}`} />
              {process.added.map((step) => (
                <Line key={`+${step}`} effect="ADDED" text={`   ${step}`} />
              ))}
              {process.removed.map((step) => (
                <Line key={`-${step}`} effect="REMOVED" text={`   ${step}`} />
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}
