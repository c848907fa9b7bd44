import { open, readFile, stat } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { basename, resolve } from "node:path";
import { WeftlineError, hashOf, messageOf, plainJson, type CliAction, type CliContext } from "#weftline";
import { agentDocument, problemOf, threadDocument } from "../transfer/document.ts";
import { convertConversation } from "./chatgpt.ts";
import { importAgent } from "./import-agent.ts";
import { arrayElements, type ArrayElement } from "./json-array.ts";
import { ThreadSender, type Sent } from "./send-threads.ts";
import { withAssets } from "./chatgpt-assets.ts";
import { openZip, type ZipFile } from "./zip.ts";

/** A single document is read whole. */
const documentBytes = 256 * 2 ** 20;
/** One conversation of an export. */
const conversationBytes = 64 * 2 ** 20;

/** `weftline import` */
export const importCommand: CliAction = {
  description: "bring in a thread or an agent that was exported, or the conversations of a ChatGPT export",
  arguments: [{ name: "file", description: "a JSON document, conversations.json, or the zip file that ChatGPT sends" }],
  options: [
    { flags: "--agent <name>", description: "the agent that answers in the new threads" },
    { flags: "--name <name>", description: "another name for an imported agent" },
    { flags: "--json", description: "print what became of each document as JSON, one a line" },
  ],
  needs: "graph",
  run: async (ctx) => {
    const file = resolve(String(ctx.arguments["file"]));
    const kind = await kindOf(file);
    if (kind === "zip") return importZip(ctx, file);
    if (kind === "array") return importConversations(ctx, { bytes: createReadStream(file), file });
    return importDocument(ctx, file);
  },
};

async function kindOf(file: string): Promise<"zip" | "array" | "document"> {
  const handle = await open(file, "r").catch((error: unknown) => {
    throw new WeftlineError("NOT_FOUND", {
      what: "file",
      message: `${file} cannot be read: ${messageOf(error)}`,
      fix: "Name a file that this user may read.",
    });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4_096), 0, 4_096, 0);
    const head = buffer.subarray(0, bytesRead);
    // An archive of nothing begins with its end.
    if (["504b0304", "504b0506"].includes(head.toString("hex", 0, 4))) return "zip";
    return /^\uFEFF?\s*\[/.test(head.toString("utf8")) ? "array" : "document";
  } catch (error) {
    throw refused(file, messageOf(error));
  } finally {
    await handle.close();
  }
}

async function importDocument(ctx: CliContext, file: string): Promise<number> {
  const { size } = await stat(file);
  if (size > documentBytes) throw refused(file, `it has ${size} bytes, and ${documentBytes} are allowed`);
  const value = parsed(file, await readFile(file, "utf8"));
  const format = (value as { readonly format?: unknown } | null)?.format;
  if (format === "weftline-agent") {
    const read = agentDocument.safeParse(value);
    if (!read.success) throw refused(file, problemOf(read.error));
    return importAgent(ctx, read.data, file);
  }
  if (format !== "weftline-thread") throw refused(file, 'format: it is neither "weftline-thread" nor "weftline-agent"');
  const read = threadDocument.safeParse(value);
  if (!read.success) throw refused(file, problemOf(read.error));
  const { exportedAt: _, ...content } = read.data;
  const sender = new ThreadSender(ctx);
  await sender.add({ key: `document:${hashOf(content)}`, document: read.data, name: basename(file) });
  return sender.end();
}

async function importZip(ctx: CliContext, file: string): Promise<number> {
  const zip = await openZip(file);
  try {
    // Large exports come in several files of the same kind.
    const found = zip.entries.filter(({ name }) => /(^|\/)conversations(-\d+)?\.json$/.test(name));
    if (found.length === 0) throw refused(file, "it holds no conversations.json");
    let code = 0;
    for (const entry of found)
      code = Math.max(code, await importConversations(ctx, { bytes: await zip.read(entry), file: `${file} (${entry.name})`, zip }));
    return code;
  } finally {
    await zip.close();
  }
}

interface Conversations {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What it is called in what is said about it. */
  readonly file: string;
  /** The archive that it comes from, with pictures. */
  readonly zip?: ZipFile;
}

async function importConversations(ctx: CliContext, { bytes, file, zip }: Conversations): Promise<number> {
  const sender = new ThreadSender(ctx);
  let index = 0;
  try {
    for await (const element of arrayElements(bytes, conversationBytes)) {
      ctx.signal.throwIfAborted();
      await takeConversation(sender, { element, place: `[${index++}]`, zip });
    }
  } catch (error) {
    if (!(error instanceof WeftlineError && error.kind === "input")) {
      ctx.say("The import broke off. Run it again when what follows is mended: what is here already is not imported twice.");
      throw error;
    }
    // What was read whole is imported; what follows is not known.
    await sender.end();
    throw refused(file, error.message, brokenFix);
  }
  return sender.end();
}

interface Conversation {
  readonly element: ArrayElement;
  readonly place: string;
  readonly zip: ZipFile | undefined;
}

/** A conversation that cannot be read keeps no other from being imported. */
async function takeConversation(sender: ThreadSender, { element, place, zip }: Conversation): Promise<void> {
  if ("problem" in element) return sender.refuse(place, element.problem);
  const converted = readConversation(element.text);
  if (typeof converted === "string") return sender.refuse(place, converted);
  const document = zip ? await withAssets(zip, converted.document) : converted.document;
  await sender.add({ ...converted, document, name: `${place} ${converted.document.thread.title ?? ""}`.trim() });
}

/** @returns what is wrong with it, in words. */
function readConversation(text: string): Omit<Sent, "name"> | string {
  try {
    const { key, document, ...left } = convertConversation(plainJson(JSON.parse(text)).value);
    const read = threadDocument.safeParse(document);
    if (!read.success) return problemOf(read.error);
    return { key: key === "chatgpt:" ? `chatgpt:${hashOf(read.data)}` : key.slice(0, 200), document: read.data, left };
  } catch (error) {
    return messageOf(error);
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return plainJson(JSON.parse(text)).value;
  } catch (error) {
    throw refused(file, error instanceof WeftlineError ? error.message : `it is not JSON: ${messageOf(error)}`);
  }
}

const brokenFix = "What stands before that place was imported. For the rest name the whole file.";

function refused(
  file: string,
  problem: string,
  fix = "Nothing of it was imported. Correct the place that is named, or export it again.",
): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message: `${file}: ${problem}`, fix });
}
