/** The characters that a tree is drawn with. */
export interface Glyphs {
  readonly branch: string;
  readonly last: string;
  readonly bar: string;
  readonly ellipsis: string;
  readonly dot: string;
  readonly arrow: string;
  readonly running: readonly string[];
  readonly pending: string;
  readonly asked: string;
  readonly waiting: string;
  readonly succeeded: string;
  readonly failed: string;
  readonly skipped: string;
  readonly cancelled: string;
}

export const unicodeGlyphs: Glyphs = {
  branch: "├─",
  last: "└─",
  bar: "│",
  ellipsis: "…",
  dot: "·",
  arrow: "→",
  running: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
  pending: "○",
  asked: "?",
  waiting: "◷",
  succeeded: "✔",
  failed: "✖",
  skipped: "–",
  cancelled: "⊘",
};

export const asciiGlyphs: Glyphs = {
  branch: "|-",
  last: "`-",
  bar: "|",
  ellipsis: "..",
  dot: "-",
  arrow: "->",
  running: ["*"],
  pending: ".",
  asked: "?",
  waiting: "~",
  succeeded: "+",
  failed: "x",
  skipped: "-",
  cancelled: "o",
};
