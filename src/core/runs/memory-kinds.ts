/** The kind of event of what a tool did to the memory. */
export const memoryKinds = { SAVED: "memory.saved", UPDATED: "memory.updated", FORGOTTEN: "memory.forgotten" } as const;

export function isMemoryChange(kind: string): boolean {
  return kind === memoryKinds.SAVED || kind === memoryKinds.UPDATED || kind === memoryKinds.FORGOTTEN;
}
