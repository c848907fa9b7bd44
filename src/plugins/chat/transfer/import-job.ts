import { createInterface } from "node:readline";
import { z } from "zod";
import {
  WeftlineError,
  asWeftlineError,
  checkTexts,
  defineJob,
  globalId,
  localId,
  plainJson,
  type ActingScopes,
  type JobDefinition,
  type Scope,
} from "#weftline";
import type { FilesService } from "#plugins/files";
import type { ChatDeps } from "../service/deps.ts";
import { problemOf, threadDocument } from "./document.ts";
import { importThread } from "./import-thread.ts";

/** The most documents of one file: what became of each stands in the run. */
export const documentsAtOnce = 100;

/** So many are looked at again where the process is lost: they are known by then. */
const documentsPerSave = 10;

const shownReason = 300;

/** One line of the file that is imported. */
const importLine = z.strictObject({ key: z.string().min(1).max(200), document: z.unknown() });

const outcome = z.object({
  key: z.string().nullable(),
  outcome: z.enum(["imported", "known", "refused"]),
  thread: z.string().optional(),
  reason: z.string().optional(),
});

/** What became of one document. */
export type DocumentOutcome = z.output<typeof outcome>;

/** What the job works with. */
export interface ImportHost extends ChatDeps {
  readonly acting: ActingScopes;
  /** Absent where no plugin keeps files: then nothing can be imported. */
  readonly uploads?: FilesService | undefined;
}

/**
 * Makes threads of an uploaded file: each line is `{ key, document }`, a thread document of version 1. They belong to whoever starts the job. A document
 * that is refused keeps no other from being imported, and one that is here already is not imported again.
 */
export function importJob(host: ImportHost): JobDefinition {
  return defineJob({
    name: "chat.import",
    description: "Make threads of an uploaded file of thread documents, one a line.",
    input: z.strictObject({
      file: z.string().min(1).describe("The id of the uploaded file."),
      agent: z.string().min(1).max(200).optional().describe("The name of the agent of the new threads."),
    }),
    state: z.object({ outcomes: z.array(outcome) }),
    async run({ input, state, tenantId, ownerId, signal, progress, save }) {
      const scopeNow = (): Promise<Scope> => host.acting.of({ tenantId, actorId: ownerId });
      const lines = await linesOf(host, await scopeNow(), input.file);
      const outcomes: DocumentOutcome[] = [...(state?.outcomes ?? [])];
      for (const line of lines.slice(outcomes.length)) {
        signal.throwIfAborted();
        progress(outcomes.length, lines.length);
        outcomes.push(await importOne(host, await scopeNow(), line, input.agent));
        if (outcomes.length % documentsPerSave === 0) await save({ outcomes });
      }
      return { outcomes };
    },
  });
}

/** @throws NOT_FOUND for a file of another, INVALID_INPUT for too many lines. */
async function linesOf({ uploads }: ImportHost, scope: Scope, file: string): Promise<string[]> {
  if (!uploads)
    throw new WeftlineError("UNAVAILABLE", {
      what: "An import",
      reason: "no plugin keeps files.",
      fix: "Add files() to plugins.config.ts.",
    });
  const { body } = await uploads.download(scope, localId("File", file, ["input", "file"]));
  const lines: string[] = [];
  for await (const line of createInterface({ input: body })) {
    if (line.trim() === "") continue;
    if (lines.length === documentsAtOnce)
      throw new WeftlineError("INVALID_INPUT", { message: `The file has more than ${documentsAtOnce} lines.`, path: ["input", "file"] });
    lines.push(line);
  }
  return lines;
}

/** What is wrong with the document, or with what it asks for, is its own affair; what the platform cannot do now fails the run. */
async function importOne(host: ImportHost, scope: Scope, line: string, agent: string | undefined): Promise<DocumentOutcome> {
  let key: string | null = null;
  try {
    const { value } = plainJson(parsed(line));
    const read = importLine.safeParse(value);
    if (!read.success) return refused(key, problemOf(read.error));
    key = read.data.key;
    const document = threadDocument.safeParse(read.data.document);
    if (!document.success) return refused(key, problemOf(document.error));
    checkTexts({ document: document.data });
    const made = await importThread(host, scope, { key, document: document.data, agent });
    return { key, outcome: made.outcome, thread: globalId("Thread", made.thread) };
  } catch (error) {
    const known = asWeftlineError(error);
    if (!["input", "notFound", "conflict", "forbidden"].includes(known.kind)) throw error;
    return refused(key, known.message);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new WeftlineError("INVALID_INPUT", { message: "The line is not JSON." });
  }
}

function refused(key: string | null, reason: string): DocumentOutcome {
  return { key, outcome: "refused", reason: reason.slice(0, shownReason) };
}
