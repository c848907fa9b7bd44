import { WeftlineError } from "#weftline";
import { redacted } from "#plugins/openai";

const again = "then run the command again: it begins anew.";

/** What mends the troubles that uv and pip end with, by their words. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [/no space left|errno 28|disk quota/i, `Make room for some 2 GB where it is installed and for temporary files, ${again}`],
  [
    /do not match the hashes|hash mismatch/i,
    `The package index gave a file that is not the one that was tried with Weftline, so nothing of it is used. Choose another index (PIP_INDEX_URL or UV_DEFAULT_INDEX), ${again}`,
  ],
  [
    /connection|could not find a version|no matching distribution|not found in the package registry|failed to fetch|error sending request|timed out|resolve host|proxy/i,
    `See that this machine reaches its package index: PyPI, or the one in PIP_INDEX_URL or UV_DEFAULT_INDEX; ${again}`,
  ],
  [
    /permission denied|errno 13|read-only file system/i,
    `See that the folder can be written, or choose another with crewai({ home }), ${again}`,
  ],
];

const mostLines = 8;

/** Keeps what a command says, as much of it as explains a failure: from its first error on, or its last words. */
export class Said {
  readonly #lines: string[] = [];
  #failing = false;

  hear(line: string): void {
    if (!this.#failing && /^\s*(error\b|×)/i.test(line)) {
      this.#failing = true;
      this.#lines.length = 0;
    }
    if (line.trim() !== "") this.#lines.push(line.trim());
    if (this.#lines.length > mostLines) this.#lines.splice(this.#failing ? mostLines : 0, 1);
  }

  toString(): string {
    // Line by line: each is cut where it is long, and the cause comes last.
    return this.#lines.map((line) => redacted(line, { secrets: [] })).join("\n");
  }
}

/** Why an installation ended too soon, and what mends it. Nothing of it is used. */
export function installFailure(reason: string): WeftlineError {
  const fix = remedies.find(([words]) => words.test(reason))?.[1] ?? `Mend what it says, ${again}`;
  return new WeftlineError("UNAVAILABLE", { what: "CrewAI for Python", reason, fix });
}
