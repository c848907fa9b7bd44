import { createLogUpdate } from "log-update";
import type { CliContext } from "#weftline";
import { asciiGlyphs, unicodeGlyphs } from "./glyphs.ts";
import { renderTree } from "./render.ts";
import type { RunTree } from "../tree.ts";

const frameMs = 100;

/** A tree that is drawn again in place while something moves. */
export interface LiveTree {
  /** Leaves what is drawn, for others to write below it. */
  pause(): void;
  resume(): void;
  /** Writes a line above it that stays. */
  say(line: string): void;
  /** Draws it a last time. */
  end(): void;
}

/** Draws a tree on a screen. */
export function drawLive(tree: RunTree, screen: NonNullable<CliContext["screen"]>, paint: CliContext["paint"]): LiveTree {
  const update = createLogUpdate(screen.output);
  const glyphs = screen.unicode ? unicodeGlyphs : asciiGlyphs;
  let frame = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const draw = (): void => {
    const { columns = 80, rows = 24 } = screen.output;
    // The last column stays free: some terminals break the line after it.
    const lines = renderTree(tree, { columns: Math.max(20, columns - 1), rows: rows - 1, glyphs, paint, now: Date.now(), frame: frame++ });
    update(lines.join("\n"));
  };
  const resume = (): void => {
    timer ??= setInterval(draw, frameMs);
  };
  const pause = (): void => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    draw();
    update.done();
  };
  const say = (line: string): void => {
    if (timer === undefined) screen.output.write(`${line}\n`);
    else update.persist(line);
  };
  resume();
  return { pause, resume, say, end: pause };
}
