/** What a tool, a skill or a name pattern may be called. */
export const namePattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** Whether a text names a tool, all tools that begin so (`github.*`), or all (`*`). */
export function isToolPattern(text: string): boolean {
  return text === "*" || namePattern.test(text.endsWith(".*") ? text.slice(0, -2) : text);
}

/** The entry whose name is closest to a tool's: its own, then the longest that it begins with, then `*`. */
export function closest<T>(name: string, entries: ReadonlyMap<string, T>): T | undefined {
  const own = entries.get(name);
  if (own !== undefined || entries.size === 0) return own;
  for (let end = name.lastIndexOf("."); end > 0; end = name.lastIndexOf(".", end - 1)) {
    const found = entries.get(`${name.slice(0, end)}.*`);
    if (found !== undefined) return found;
  }
  return entries.get("*");
}
