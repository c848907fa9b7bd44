import { styleText } from "node:util";

/** A colour or weight of text. */
export type Style = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";

/** Where a command writes: data to standard output, everything for people to standard error. */
export interface Terminal {
  /** Data, as it is. */
  out(text: string): void;
  /** A line for people. */
  say(line: string): void;
  /** The same text, coloured where {@link Terminal.say} goes to a terminal and NO_COLOR is not set. */
  paint(style: Style, text: string): string;
}

/** What the commands share: where to write, and what the process exits with. */
export interface Cli {
  readonly terminal: Terminal;
  exitCode: number;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  process.stdout.on("error", endWithReader);
  return {
    out: (text) => void process.stdout.write(text),
    say: (line) => void process.stderr.write(`${line}\n`),
    paint: (style, text) => styleText(style, text, { stream: process.stderr }),
  };
}

/** Who reads may stop before the end, as `head` does. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
