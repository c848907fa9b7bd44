/** Maps tool names, which may hold dots, to what OpenAI takes for a function's name, and back. */
export interface ToolNames {
  toWire(name: string): string;
  /** A name that was never mapped is a model's invention and stays as it is. */
  fromWire(wire: string): string;
}

const maxLength = 64;

/**
 * A map over the names of one turn.
 *
 * @param avoid what a framework takes for names of its own; the dash in them becomes an underscore.
 * @example createToolNames(["time.now"]).toWire("time.now") // "time_now"
 */
export function createToolNames(names: readonly string[], avoid?: RegExp): ToolNames {
  const wires = new Map<string, string>();
  const taken = new Map<string, string>();
  const add = (name: string): string => {
    const safe = name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, maxLength) || "_";
    const plain = avoid?.test(safe) ? safe.replace("-", "_") : safe;
    let wire = plain;
    for (let n = 2; taken.has(wire); n++) wire = `${plain.slice(0, maxLength - `_${n}`.length)}_${n}`;
    wires.set(name, wire);
    taken.set(wire, name);
    return wire;
  };
  for (const name of names) if (!wires.has(name)) add(name);
  return {
    // Names of earlier messages come late, so that they never change those of the tools at hand.
    toWire: (name) => wires.get(name) ?? add(name),
    fromWire: (wire) => taken.get(wire) ?? wire,
  };
}
