/** How many letters a name may be off, at most, and still be meant. */
const maxDistance = 2;

/** Which of some names is meant by one that is none of them, in words; nothing where none is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const given = name.toLowerCase();
  const most = Math.min(maxDistance, Math.floor(given.length / 2));
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  for (const each of names) {
    if (Math.abs(each.length - given.length) > most) continue;
    const distance = distanceOf(given, each.toLowerCase());
    if (distance <= most && distance < (nearest?.distance ?? Infinity)) nearest = { name: each, distance };
  }
  return nearest ? ` Did you mean "${nearest.name}"?` : "";
}

/** How many letters are to be put in, left out, changed, or swapped with the next. */
function distanceOf(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min(changed, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
