import { progress } from "@clack/prompts";
import type { InstallStep } from "../core/installers.ts";
import type { Terminal } from "./terminal.ts";

/** Shows how far a long command is. */
export interface Progress {
  step(step: InstallStep): void;
  end(word: string): void;
}

/** A bar on a terminal; elsewhere each thing is said once. */
export function showProgress(terminal: Terminal): Progress {
  return terminal.screen ? bar(terminal.screen.output) : lines(terminal);
}

function bar(output: NodeJS.WriteStream): Progress {
  let shown: ReturnType<typeof progress> | undefined;
  let last = 0;
  return {
    step: ({ what, done, total }) => {
      if (!shown) {
        shown = progress({ max: total, output });
        shown.start(what);
      }
      shown.advance(Math.max(0, done - last), what);
      last = Math.max(last, done);
    },
    end: (word) => shown?.stop(word),
  };
}

/** Figures go on and are left out. */
function lines(terminal: Terminal): Progress {
  let last = "";
  return {
    step: ({ what }) => {
      const words = what.replace(/: \d.*$/, "");
      if (words !== last) terminal.say(words);
      last = words;
    },
    end: () => undefined,
  };
}
