import {
  defaultFieldResolver,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from "graphql";
import { WeftlineError } from "../errors.ts";

/** A signed character of JSON may take six. */
const longestEscape = 6;
/** What is read in one turn of the loop before others have theirs. */
const mostInTurn = 1_048_576;
/** Rows hold more than an answer shows of them. */
const readPerShown = 2;

/** How much one answer may hold and read, counted as it is made: texts and JSON, since all else is small. */
export class AnswerBytes {
  readonly #limit: number;
  #shown = 0;
  #read = 0;
  #inTurn = 0;
  #reading: Promise<void> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether nothing of any size was counted. */
  get isUnused(): boolean {
    return this.#shown + this.#read === 0;
  }

  /** Whether more was asked for than one answer may hold: then it is not sent. */
  get isSpent(): boolean {
    return this.#shown > this.#limit || this.#read > this.#limit * readPerShown;
  }

  /** The error to answer with. */
  get error(): WeftlineError {
    return new WeftlineError("OPERATION_LIMIT", { problem: `asks for more than ${this.#limit} bytes; that is the most of one answer` });
  }

  /** Counts what is about to be answered. */
  show(value: unknown): void {
    if (typeof value === "string") this.#shown += this.#lengthOf(value);
    else if (Array.isArray(value)) for (const each of value) this.show(each);
    else if (typeof value === "object" && value !== null) this.#shown += sizeOf(value, this.#limit);
  }

  /**
   * Reads rows and counts them, one list after the other, so that what one holds is known before the next is read. Others have their turn where
   * much was read in this one.
   *
   * @throws OPERATION_LIMIT where nothing more may be read.
   */
  async reading<Row extends object>(read: () => Promise<Row[]>): Promise<Row[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#reading;
    this.#reading = promise;
    try {
      await before;
      if (this.isSpent) throw this.error;
      if (this.#inTurn > mostInTurn) {
        this.#inTurn = 0;
        await new Promise((next) => setImmediate(next));
      }
      const rows = await read();
      for (const row of rows) this.#count(sizeOf(row, this.#limit));
      return rows;
    } finally {
      resolve();
    }
  }

  #count(bytes: number): void {
    this.#read += bytes;
    this.#inTurn += bytes;
  }

  /** Escapes are counted once they could matter. */
  #lengthOf(text: string): number {
    const mayMatter = (this.#shown + text.length) * longestEscape > this.#limit;
    return mayMatter ? JSON.stringify(text).length : text.length;
  }
}

/** About how long a value is as JSON; of one that is longer than allowed it looks at no more. */
function sizeOf(value: object, most: number): number {
  let size = 0;
  const open: unknown[] = [value];
  for (let at = open.pop(); at !== undefined && size <= most; at = open.pop()) {
    if (typeof at === "string") size += at.length + 2;
    else if (Array.isArray(at)) {
      size += at.length;
      for (const part of at) open.push(part);
    } else if (typeof at === "object" && at !== null) {
      for (const name of Object.keys(at)) {
        size += name.length + 4;
        open.push((at as Record<string, unknown>)[name]);
      }
    } else size += 5;
  }
  return size;
}

/** What a field's resolver is given that counts. */
interface Counted {
  readonly answer?: AnswerBytes | undefined;
}

/** Makes the fields of a graph whose values may be long count them. */
export function countAnswers(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    for (const field of Object.values(type.getFields())) {
      const { name } = getNamedType(field.type);
      if (name !== "String" && name !== "JSON") continue;
      const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
      field.resolve = counting(field.resolve ?? defaultFieldResolver, isList ? [] : "");
    }
  }
}

function counting(resolve: GraphQLFieldResolver<unknown, unknown>, nothing: unknown): GraphQLFieldResolver<unknown, unknown> {
  return (source, args, context, info) => {
    const answer = (context as Counted | undefined)?.answer;
    if (!answer) return resolve(source, args, context, info);
    // The whole answer is replaced by the error, so what stands in it no longer matters.
    if (answer.isSpent) return nothing;
    const value = resolve(source, args, context, info);
    if (typeof value === "object" && value !== null && "then" in value) return counted(value as PromiseLike<unknown>, answer);
    answer.show(value);
    return value;
  };
}

async function counted(value: PromiseLike<unknown>, answer: AnswerBytes): Promise<unknown> {
  const known = await value;
  answer.show(known);
  return known;
}
