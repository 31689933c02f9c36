// The list of definitions holds every version; what a person looks for is the newest of each process.

/** The newest version of each process, in the order of the list. */
export function newest<Definition extends { processId: string; version: number }>(
  definitions: readonly Definition[],
): Definition[] {
  const found = new Map<string, Definition>();
  for (const definition of definitions) {
    const known = found.get(definition.processId);
    if (!known || known.version < definition.version) found.set(definition.processId, definition);
  }
  return [...found.values()];
}

/** The newest version by the id of its process. */
export function byProcess<Definition extends { processId: string; version: number }>(
  definitions: readonly Definition[],
): Map<string, Definition> {
  return new Map(newest(definitions).map((definition) => [definition.processId, definition]));
}
