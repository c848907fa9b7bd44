import { styleText } from "node:util";
import type { CliScreen, Style } from "../core/commands.ts";
import { exitCodes } from "./exit.ts";

/** Where a command writes: data to standard output, everything for people to standard error. */
export interface Terminal {
  /** Data, as it is. */
  out(text: string): void;
  /** A line for people. */
  say(line: string): void;
  /** The same text, coloured where {@link Terminal.say} goes to a terminal and NO_COLOR is not set. */
  paint(style: Style, text: string): string;
  /** What a person looks at; absent where standard error is no terminal. */
  readonly screen?: CliScreen;
}

/** Line feeds and colours stay; what else would move the cursor, or set the title of the window, is shown as U+FFFD: it may be the name of a foreign thread. */
export function withoutControls(line: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return line.replace(/\u001b\[[\d;]{0,20}m|[\0-\u0008\u000b-\u001f\u007f-\u009f]/g, (found) => (found.length > 1 ? found : "\uFFFD"));
}

/** What the commands share: where to write, and what the process exits with. */
export interface Cli {
  readonly terminal: Terminal;
  exitCode: number;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", endWithReader);
  return {
    out: (text) => void process.stdout.write(text),
    say: (line) => void process.stderr.write(`${line}\n`),
    paint: (style, text) => styleText(style, text, { stream: process.stderr }),
    ...(process.stderr.isTTY && process.env["TERM"] !== "dumb" ? { screen: processScreen() } : {}),
  };
}

function processScreen(): CliScreen {
  const { stderr: output, stdin: input } = process;
  // A terminal that was given no size, as by `docker exec -t`, says that it has none.
  output.columns ||= 80;
  output.rows ||= 24;
  return { output, ...(input.isTTY ? { input } : {}), unicode: showsUnicode(process.env) };
}

/** The console of Linux has few glyphs, and a locale may say that there is only ASCII. */
export function showsUnicode({ TERM, LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG;
  return TERM !== "linux" && (locale === undefined || locale === "" || /utf-?8/i.test(locale));
}

/** Exits as on SIGPIPE when the reader of the output is gone, as with `head`. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(exitCodes.readerGone);
  throw error;
}
