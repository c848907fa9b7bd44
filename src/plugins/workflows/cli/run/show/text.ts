/** Characters that take two columns of a terminal: those of East Asian scripts, and pictures. */
const wide =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|^\p{Emoji_Presentation}/u;
/** Characters that take none: accents that combine, and what joins or varies others. */
const narrow = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function widthOfGrapheme(grapheme: string): number {
  if (narrow.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** How many columns a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

/** The start of a text that fits into so many columns. */
export function startOf(text: string, columns: number, ellipsis: string): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ["", widthOf(ellipsis)];
  for (const { segment } of graphemes.segment(text)) {
    width += widthOfGrapheme(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns < widthOf(ellipsis) ? "" : kept + ellipsis;
}

/** The end of a text that fits into so many columns. */
export function endOf(text: string, columns: number, ellipsis: string): string {
  if (widthOf(text) <= columns) return text;
  const all = [...graphemes.segment(text)].map(({ segment }) => segment);
  let [from, width] = [all.length, widthOf(ellipsis)];
  while (from > 0 && width + widthOfGrapheme(all[from - 1] ?? "") <= columns) width += widthOfGrapheme(all[--from] ?? "");
  return columns < widthOf(ellipsis) ? "" : ellipsis + all.slice(from).join("");
}

/** A text as one line, without what would steer a terminal: it may come from anywhere. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").trim();
}

/** Lines as they are, without what else would steer a terminal. */
export function plainLines(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "");
}

/** A duration for people, as in `320 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1_000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3_600)} h ${two(Math.floor((whole % 3_600) / 60))} min`;
}
