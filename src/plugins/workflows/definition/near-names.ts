/** How many letters a name may be off, at most, and still be meant. */
const maxDistance = 2;

/** Which of some names is meant by one that is none of them, in words; nothing where none is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const given = name.toLowerCase();
  const most = Math.min(maxDistance, Math.floor(given.length / 2));
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  for (const each of names) {
    if (Math.abs(each.length - given.length) > most) continue;
    const distance = distanceOf(given, each.toLowerCase(), most);
    if (distance <= most && distance < (nearest?.distance ?? Infinity)) nearest = { name: each, distance };
  }
  return nearest ? ` Did you mean "${nearest.name}"?` : "";
}

/** How many letters are to be put in, left out, changed, or swapped with the next; infinite where that is more than `most`. */
function distanceOf(a: string, b: string, most: number): number {
  const start = sameLetters(a, b, (text, at) => text[at]);
  const left = [a.slice(start), b.slice(start)] as const;
  const end = sameLetters(...left, (text, at) => text[text.length - 1 - at]);
  return distanceOfParts(left[0].slice(0, left[0].length - end), left[1].slice(0, left[1].length - end), most);
}

/** How many letters are the same, from where two texts are read. */
function sameLetters(a: string, b: string, letter: (text: string, at: number) => string | undefined): number {
  const longest = Math.min(a.length, b.length);
  let at = 0;
  while (at < longest && letter(a, at) === letter(b, at)) at += 1;
  return at;
}

/** Of texts that differ from their first letter to their last. */
function distanceOfParts(a: string, b: string, most: number): number {
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
    // It only grows from row to row.
    if (Math.min(...row) > most) return Infinity;
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
