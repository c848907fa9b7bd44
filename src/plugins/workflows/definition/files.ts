import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { LineCounter, isNode, parseDocument, type Document, type YAMLParseError } from "yaml";
import { hashOf, messageOf } from "#weftline";
import { isObject, type Problem } from "./fields.ts";
import { readTextFile, whyUnreadable } from "./text-file.ts";
import type { JsonObject } from "./types.ts";

const extensions = [".yaml", ".yml", ".json"];
const maxFiles = 500;
const maxBytes = 2_097_152;
/** Aliases may say the same again and again; they must not make a small file a large one. */
const maxAliases = 100;

/** A workflow as a file has it: the input of `createWorkflow`. */
export interface WorkflowFile {
  readonly file: string;
  readonly input: JsonObject;
  /** Of what it says, not of how: comments and the order of members count for nothing. */
  readonly hash: string;
  /** The line in which something stands, or what holds it, counted from 1. @param path within `input`. */
  lineOf(path: readonly string[]): number;
}

/** One thing that is wrong with a file. */
export interface FileProblem {
  readonly file: string;
  readonly line?: number;
  /** Where in the input; empty where the file could not be read. */
  readonly path: readonly string[];
  readonly message: string;
}

/** What a folder or a file has, and what is wrong with it. */
export interface ReadFiles {
  readonly files: readonly WorkflowFile[];
  readonly problems: readonly FileProblem[];
}

/**
 * Reads the workflows in a folder: each `*.yaml`, `*.yml` and `*.json` in it, in the order of their names. Folders in it are left alone.
 *
 * @throws nothing: a folder that cannot be read is a problem as well.
 */
export async function readWorkflowFolder(folder: string): Promise<ReadFiles> {
  try {
    const names = (await readdir(folder)).filter((name) => extensions.includes(extname(name)) && !name.startsWith("."));
    if (names.length > maxFiles)
      return problemOf(folder, `There are ${names.length} files; a folder of workflows has at most ${maxFiles}.`);
    const files: WorkflowFile[] = [];
    const problems: FileProblem[] = [];
    for (const name of names.toSorted()) {
      const read = await readWorkflowFile(join(folder, name));
      files.push(...read.files);
      problems.push(...read.problems);
    }
    return { files, problems: [...problems, ...repeatedNames(files)] };
  } catch (error) {
    return problemOf(folder, `The folder cannot be read: ${whyUnreadable(error)}`);
  }
}

/** Reads one file. */
export async function readWorkflowFile(file: string): Promise<ReadFiles> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) return problemOf(file, `A file has at most ${maxBytes / 1_048_576} MiB.`);
    return parseWorkflow(file, await readTextFile(file));
  } catch (error) {
    return problemOf(file, `The file cannot be read: ${whyUnreadable(error)}`);
  }
}

function parseWorkflow(file: string, text: string): ReadFiles {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const notJson = extname(file) === ".json" ? jsonProblem(text) : undefined;
  if (notJson !== undefined) return problemOf(file, `This is not JSON: ${notJson}`);
  if (document.errors.length > 0)
    return {
      files: [],
      problems: document.errors.map((error) => ({ file, line: lineAt(error.pos[0]), path: [], message: wordsOf(error) })),
    };
  const input = valueOf(document);
  if ("problem" in input) return problemOf(file, input.problem);
  if (!isObject(input.value)) return problemOf(file, "A file holds one workflow: name, description, inputSchema and nodes.");
  const lineOf = (path: readonly string[]): number => lineAt(offsetOf(document, path));
  return { files: [{ file, input: input.value, hash: hashOf(input.value), lineOf }], problems: [] };
}

/** What the parser says to programs is told to people. */
function wordsOf({ code, message }: YAMLParseError): string {
  if (code === "MULTIPLE_DOCS") return "A file holds one workflow: move what follows this line to a file of its own.";
  return code === "RESOURCE_EXHAUSTION" ? "This is nested too deeply." : message;
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** As JSON: what refers to itself, or only YAML has, is a problem. */
function valueOf(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    const value: unknown = document.toJS({ maxAliasCount: maxAliases });
    const infinite: string[] = [];
    const text = JSON.stringify(value ?? null, (key, each: unknown) => {
      // JSON would have null instead, without a word.
      if (typeof each === "number" && !Number.isFinite(each)) infinite.push(`"${key}" is ${each}, which JSON does not have.`);
      return each;
    });
    return infinite[0] === undefined ? { value: JSON.parse(text) as unknown } : { problem: infinite[0] };
  } catch (error) {
    const isBomb = error instanceof ReferenceError && error.message.startsWith("Excessive alias count");
    return { problem: isBomb ? `Aliases repeat more than ${maxAliases} values: write them out, or say less.` : messageOf(error) };
  }
}

function offsetOf(document: Document, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const parts = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    const found: unknown = document.getIn(parts, true);
    if (isNode(found) && found.range) return found.range[0];
  }
  return 0;
}

/**
 * Problems of a file's input, with their lines.
 *
 * @param problems with paths within the input.
 */
export function fileProblems({ file, lineOf }: WorkflowFile, problems: readonly Problem[]): readonly FileProblem[] {
  return problems.map(({ path, message }) => ({ file, line: lineOf(path), path, message }));
}

/** A problem as one line of text, as in `research.yaml:12: nodes.3.config.over: …`. */
export function fileProblemText({ file, line, path, message }: FileProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return path.length === 0 ? `${place}: ${message}` : `${place}: ${path.join(".")}: ${message}`;
}

function repeatedNames(files: readonly WorkflowFile[]): FileProblem[] {
  const first = new Map<string, WorkflowFile>();
  return files.flatMap((each) => {
    const name = each.input["name"];
    if (typeof name !== "string") return [];
    const other = first.get(name);
    if (!other) first.set(name, each);
    if (!other) return [];
    const message = `The name "${name}" is already used by ${basename(other.file)}.`;
    return [{ file: each.file, line: each.lineOf(["name"]), path: ["name"], message }];
  });
}

function problemOf(file: string, message: string): ReadFiles {
  return { files: [], problems: [{ file, path: [], message }] };
}
