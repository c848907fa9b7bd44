/** A plugin as the ordering sees it: its id and the ids that must come before it. */
export interface Orderable {
  readonly id: string;
  readonly after: readonly string[];
}

/** Either an order, or the circles that make one impossible. */
export type Order = { readonly order: string[] } | { readonly circles: string[][] };

/** Sorts so that each stands after what it needs; among the free ones the given order stays. */
export function orderByDependency(items: readonly Orderable[]): Order {
  const byId = new Map(items.map((item) => [item.id, item]));
  const done = new Set<string>();
  const circles: string[][] = [];

  function visit(item: Orderable, trail: readonly string[]): void {
    if (done.has(item.id)) return;
    const at = trail.indexOf(item.id);
    if (at >= 0) {
      circles.push([...trail.slice(at), item.id]);
      return;
    }
    for (const id of item.after) {
      const before = byId.get(id);
      if (before) visit(before, [...trail, item.id]);
    }
    done.add(item.id);
  }

  for (const item of items) visit(item, []);
  return circles.length > 0 ? { circles } : { order: [...done] };
}
