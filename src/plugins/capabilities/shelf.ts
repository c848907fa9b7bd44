import {
  hashOf,
  messageOf,
  type Changes,
  type Contribution,
  type SkillDefinition,
  type Logger,
  type ToolDefinition,
  type ToolSource,
} from "#weftline";
import type { SchemaChecker } from "./json-schema.ts";
import type { Settings } from "./settings.ts";
import { toolProblems } from "./verify.ts";

/** A tool of a source that is left out, or whose schemas are not checked as a whole. */
export type ToolRemark = Parameters<NonNullable<ToolSource["remarked"]>>[0][number];

/** How long a run waits for sources that have not yet said what they have. */
const settleMs = 10_000;

/** All tools there are now, by name: those of plugins, and those of sources, which come and go. */
export interface ToolShelf {
  get(name: string): Contribution<ToolDefinition> | undefined;
  names(): readonly string[];
  /** The source that a tool of this name would come from. */
  sourceOf(name: string): ToolSource | undefined;
  /** As `ToolRegistry.settled`. */
  settled(names: readonly string[]): Promise<void> | undefined;
  /** What is left out of the sources' tools or not checked, by source. */
  remarks(): ReadonlyMap<string, readonly ToolRemark[]>;
  /** Reads the sources and from now on tells what changes in them. */
  open(): void;
  close(): void;
}

/** What a shelf is filled from. */
export interface ShelfParts {
  readonly tools: ReadonlyMap<string, Contribution<ToolDefinition>>;
  readonly skills: ReadonlyMap<string, Contribution<SkillDefinition>>;
  readonly sources: ReadonlyMap<string, Contribution<ToolSource>>;
  readonly settings: Settings;
  readonly checker: Pick<SchemaChecker, "tolerate">;
  readonly changes: Pick<Changes, "publish">;
  readonly log: Logger;
}

type Offer = ReadonlyMap<string, Contribution<ToolDefinition>>;

/** Puts the tools of plugins and of sources side by side. What no agent could use of a source is left out; log and health say why. */
export function createToolShelf({ tools, skills, sources, settings, checker, changes, log }: ShelfParts): ToolShelf {
  const offers = new Map<string, Offer>();
  const remarks = new Map<string, readonly ToolRemark[]>();
  const listening = new Map<string, () => void>();

  const read = (key: string, { value: source, plugin }: Contribution<ToolSource>): Offer => {
    const offer = new Map<string, Contribution<ToolDefinition>>();
    const noted: ToolRemark[] = [];
    for (const given of listOf(key, source)) {
      const tool = named(given, key);
      const taken = offer.has(tool.name) || tools.has(tool.name) || skills.has(tool.name);
      const unchecked: string[] = [];
      const tolerate = (schema: unknown, schemaName: string): string | undefined => {
        if (!isObject(schema)) return "a JSON Schema is an object";
        unchecked.push(...checker.tolerate(schema).map((words) => `of its ${schemaName}, ${words}`));
        return undefined;
      };
      const problems = [...(taken ? ["its name is taken"] : []), ...toolProblems(tool.name, tool, tolerate)];
      if (problems.length > 0) noted.push({ tool: tool.name, outcome: "LEFT_OUT", problems });
      else {
        offer.set(tool.name, { point: "", key: tool.name, value: settings.adjust(tool), plugin });
        if (unchecked.length > 0) noted.push({ tool: tool.name, outcome: "PARTLY_UNCHECKED", problems: unchecked });
      }
    }
    if (hashOf(noted) !== hashOf(remarks.get(key) ?? [])) for (const remark of noted) log.warn({ source: key, ...remark }, remarkWords);
    remarks.set(key, noted);
    source.remarked?.(noted);
    return offer;
  };
  const listOf = (key: string, source: ToolSource): readonly ToolDefinition[] => {
    try {
      return source.list();
    } catch (error) {
      log.warn({ source: key, err: error, reason: messageOf(error) }, "a source of tools does not say what it has");
      return [];
    }
  };
  const reread = (key: string, source: Contribution<ToolSource>): void => {
    const before = offers.get(key) ?? new Map<string, Contribution<ToolDefinition>>();
    const now = read(key, source);
    offers.set(key, now);
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      const kind = changeOf(before.get(name)?.value, now.get(name)?.value);
      if (kind) changes.publish({ kind, typeName: "Tool", id: name });
    }
  };
  /** Sources that were contributed since the last time are listened to. */
  const open = (): void => {
    for (const [key, source] of sources) {
      if (listening.has(key)) continue;
      listening.set(
        key,
        source.value.onChange(() => reread(key, source)),
      );
      offers.set(key, read(key, source));
    }
  };
  const sourceOf = (name: string): ToolSource | undefined => sources.get(keyOf(name))?.value;
  const get = (name: string): Contribution<ToolDefinition> | undefined => {
    const own = tools.get(name);
    if (own) return { ...own, value: settings.adjust(own.value) };
    if (sources.size === 0) return undefined;
    open();
    return offers.get(keyOf(name))?.get(name);
  };
  return {
    get,
    names: () => {
      open();
      return [...tools.keys(), ...[...offers.values()].flatMap((offer) => [...offer.keys()])];
    },
    sourceOf,
    remarks: () => remarks,
    settled: (names) => {
      const waited = new Set(names.flatMap((name) => (get(name) ? [] : (sourceOf(name)?.ready?.() ?? []))));
      return waited.size === 0 ? undefined : settledWithin(waited);
    },
    open,
    close: () => {
      for (const stop of listening.values()) stop();
    },
  };
}

const remarkWords = "a tool of a source is left out or partly unchecked";

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The source that a tool's name begins with. */
function keyOf(name: string): string {
  return name.split(".", 1)[0] ?? "";
}

/** The tool under its full name. */
function named(tool: ToolDefinition, key: string): ToolDefinition {
  return { ...tool, name: `${key}.${tool.name}`, execute: (args, ctx) => tool.execute(args, ctx) };
}

function changeOf(before: ToolDefinition | undefined, now: ToolDefinition | undefined): "CREATED" | "UPDATED" | "DELETED" | undefined {
  if (!before) return "CREATED";
  if (!now) return "DELETED";
  return hashOf(shown(before)) === hashOf(shown(now)) ? undefined : "UPDATED";
}

/** What of a tool can be seen. */
function shown(tool: ToolDefinition): unknown {
  return { ...tool, execute: undefined };
}

async function settledWithin(waited: Iterable<Promise<unknown>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, settleMs)));
  await Promise.race([Promise.allSettled(waited), late]);
  clearTimeout(timer);
}
