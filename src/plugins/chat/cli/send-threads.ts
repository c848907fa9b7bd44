import { setTimeout as pause } from "node:timers/promises";
import { WeftlineError, type CliContext } from "#weftline";
import { documentLimits, type ThreadDocument } from "../transfer/document.ts";
import { documentsAtOnce, type DocumentOutcome } from "../transfer/import-job.ts";
import { uploadFile } from "./upload.ts";

/** A file of documents is sent once it has so many bytes. */
const bytesAtOnce = 4 * 2 ** 20;
const pollMs = 100;

const startJob = `mutation ($input: StartJobInput!) { startJob(input: $input) { ... on StartJobPayload { run { id } } ... on UserError { code message fix } } }`;
const runQuery = "query ($id: ID!) { run(id: $id) { status output failure { message } } }";
const deleteFile = "mutation ($file: ID!) { deleteFile(file: $file) { __typename } }";

/** A server that does not take a file, as opposed to one that does not answer. */
function isRefusal(error: unknown): error is WeftlineError {
  return error instanceof WeftlineError && error.code === "CONFLICT";
}

type DocumentFile = ThreadDocument["files"][string];

/** What a conversion left out of a document. */
export interface LeftOut {
  /** Messages of other branches than the one that was last shown. */
  readonly otherBranches: number;
  /** Texts of which only the beginning is in the document. */
  readonly cutTexts: number;
}

/** A document on its way. */
export interface Sent {
  readonly key: string;
  readonly document: ThreadDocument;
  /** What it is called in what is said about it. */
  readonly name: string;
  readonly left?: LeftOut;
}

interface Run {
  readonly status: string;
  readonly output: { readonly outcomes: readonly DocumentOutcome[] } | null;
  readonly failure: { readonly message: string } | null;
}

/** Sends documents in files of bounded size, each imported by a run of the job `chat.import`, and says what became of them. */
export class ThreadSender {
  readonly #ctx: CliContext;
  #lines: string[] = [];
  #sent: (Sent & { readonly uploaded: readonly string[] })[] = [];
  #bytes = 0;
  readonly #counts = { imported: 0, known: 0, refused: 0 };
  #left: LeftOut = { otherBranches: 0, cutTexts: 0 };

  constructor(ctx: CliContext) {
    this.#ctx = ctx;
  }

  async add(sent: Sent): Promise<void> {
    const uploaded: string[] = [];
    const files: ThreadDocument["files"] = {};
    for (const [key, file] of Object.entries(sent.document.files)) files[key] = await this.#uploaded(file, uploaded);
    const line = JSON.stringify({ key: sent.key, document: { ...sent.document, files } });
    if (this.#bytes > 0 && this.#bytes + line.length > bytesAtOnce) await this.#flush();
    this.#lines.push(line);
    this.#sent.push({ ...sent, uploaded });
    this.#bytes += Buffer.byteLength(line) + 1;
    if (this.#lines.length < documentsAtOnce) return;
    await this.#flush();
    this.#ctx.say(`  ${this.#counts.imported + this.#counts.known + this.#counts.refused} documents so far`);
  }

  refuse(name: string, reason: string): void {
    this.#tell(name, { key: null, outcome: "refused", reason });
  }

  /** Sends what is left. @returns the exit code: 1 where a document was refused. */
  async end(): Promise<number> {
    await this.#flush();
    const { say, paint } = this.#ctx;
    const { imported, known, refused } = this.#counts;
    say(
      `${paint(refused > 0 ? "yellow" : "green", refused > 0 ? "!" : "✓")} Imported ${imported}, here already ${known}, refused ${refused}.`,
    );
    const { otherBranches, cutTexts } = this.#left;
    if (otherBranches > 0) say(`  Messages of other branches that were left out: ${otherBranches}.`);
    if (cutTexts > 0) say(`  Texts that were cut after ${documentLimits.text.toLocaleString("en-US")} characters: ${cutTexts}.`);
    return refused > 0 ? 1 : 0;
  }

  #count({ otherBranches, cutTexts }: LeftOut = { otherBranches: 0, cutTexts: 0 }): void {
    this.#left = { otherBranches: this.#left.otherBranches + otherBranches, cutTexts: this.#left.cutTexts + cutTexts };
  }

  async #uploaded({ content, ...file }: DocumentFile, uploaded: string[]): Promise<DocumentFile> {
    if (content === undefined) return { name: file.name, mediaType: file.mediaType, size: file.size };
    const bytes = Buffer.from(content, "base64");
    try {
      const id = await uploadFile(this.#ctx.graph, { ...file, bytes });
      uploaded.push(id);
      return { ...file, size: bytes.length, file: id };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // The thread is worth more than one of its files.
      this.#ctx.say(`${this.#ctx.paint("yellow", "!")} ${error.message} It is left out.`);
      return { name: file.name, mediaType: file.mediaType, size: file.size };
    }
  }

  async #remove(files: readonly string[]): Promise<void> {
    // What is not removed now the server lets go of after a day.
    for (const file of files) await this.#ctx.graph.request(deleteFile, { file }).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const [lines, sent] = [this.#lines, this.#sent];
    [this.#lines, this.#sent, this.#bytes] = [[], [], 0];
    const { options, signal } = this.#ctx;
    signal.throwIfAborted();
    const file = await this.#uploadLines(lines);
    if (file === undefined) return this.#tooLarge(sent);
    try {
      const agent = options["agent"];
      const run = await this.#start({ file, ...(typeof agent === "string" ? { agent } : {}) });
      const outcomes = await this.#follow(run);
      for (const [index, each] of sent.entries()) {
        const outcome = outcomes[index] ?? { key: each.key, outcome: "refused", reason: "nothing is known of it" };
        if (outcome.outcome === "imported") this.#count(each.left);
        if (outcome.outcome !== "imported") await this.#remove(each.uploaded);
        this.#tell(each.name, outcome);
      }
    } finally {
      await this.#remove([file]);
    }
  }

  /** @returns nothing where it is a document that the server does not take. */
  async #uploadLines(lines: readonly string[]): Promise<string | undefined> {
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    try {
      return await uploadFile(this.#ctx.graph, { name: "import.jsonl", mediaType: "application/x-ndjson", bytes });
    } catch (error) {
      if (lines.length > 1 || bytes.length <= bytesAtOnce || !isRefusal(error)) throw error;
      return undefined;
    }
  }

  /** A document that is longer than others stands alone. */
  async #tooLarge(sent: readonly (Sent & { readonly uploaded: readonly string[] })[]): Promise<void> {
    for (const { name, key, uploaded } of sent) {
      await this.#remove(uploaded);
      this.#tell(name, { key, outcome: "refused", reason: "it is larger than a file may be there (fileBytes of the plugin files)" });
    }
  }

  async #start(input: object): Promise<string> {
    type Started = {
      readonly run?: { readonly id: string };
      readonly code?: string;
      readonly message?: string;
      readonly fix?: string | null;
    };
    const { startJob: started } = await this.#ctx.graph.request<{ startJob: Started }>(startJob, { input: { job: "chat.import", input } });
    if (started.run) return started.run.id;
    const fix =
      started.code === "FORBIDDEN"
        ? "Imports are jobs, which admins start: use the token of an admin."
        : (started.fix ?? "Mend what the message names.");
    throw new WeftlineError("CONFLICT", { message: `The import was refused: ${started.message ?? "for no reason"}`, fix });
  }

  async #follow(id: string): Promise<readonly DocumentOutcome[]> {
    for (;;) {
      const { run } = await this.#ctx.graph.request<{ run: Run | null }>(runQuery, { id });
      if (run?.status === "SUCCEEDED" && run.output) return run.output.outcomes;
      if (!run || ["FAILED", "CANCELLED", "EXPIRED"].includes(run.status)) {
        const reason = run?.failure?.message ?? `its run is ${run?.status ?? "gone"}.`;
        throw new WeftlineError("UNAVAILABLE", {
          what: "The import",
          reason,
          fix: "Run the command again: what is here already is not imported twice.",
        });
      }
      await pause(pollMs, undefined, { signal: this.#ctx.signal });
    }
  }

  #tell(name: string, outcome: DocumentOutcome): void {
    this.#counts[outcome.outcome]++;
    const { out, say, paint, options } = this.#ctx;
    if (options["json"]) out(`${JSON.stringify({ v: 1, name, ...outcome })}\n`);
    else if (outcome.outcome === "imported") out(`${outcome.thread}\n`);
    if (outcome.outcome === "refused") say(`${paint("red", "✗")} ${name}: ${outcome.reason}`);
    if (outcome.outcome === "known" && !options["json"]) say(`  ${name} is here already: ${outcome.thread}`);
  }
}
