import { messageOf, type RunEventBody } from "#weftline";
import type { StoredFiles } from "./stored-files.ts";

/** What LangGraph knows of a task when it calls back. */
export interface TaskMetadata {
  readonly langgraph_node?: string;
  readonly langgraph_step?: number;
  /** As in `["__pregel_push", 0, false]` for what was sent to a node. */
  readonly langgraph_path?: readonly unknown[];
  /** The task's own place: those of the graphs around it come first, as in `outer:<id>|inner:<id>`. */
  readonly langgraph_checkpoint_ns?: string;
}

/** What LangGraph calls back of a node, or of a tool of its own. */
export type GraphCallback =
  | { readonly on: "chainStart"; readonly id: string; readonly tags: readonly string[]; readonly metadata: TaskMetadata }
  | {
      readonly on: "toolStart";
      readonly id: string;
      readonly metadata: TaskMetadata;
      readonly name: string;
      readonly callId?: string | undefined;
    }
  | { readonly on: "end"; readonly id: string; readonly output: unknown }
  | { readonly on: "error"; readonly id: string; readonly error: unknown };

type StepFinished = Extract<RunEventBody, { kind: "step.finished" }>;

interface OpenTask {
  readonly key: string;
  readonly name: string;
  readonly kind: "NODE" | "TOOL";
}

/**
 * The steps of a graph's nodes, and of tools of its own, as LangGraph's callbacks tell of them. A node is named by its place, not by when it came: `node/3` in the third
 * superstep, `node/3/1` where it is the second of those that were sent side by side, with the place of the node around it before that.
 */
export class GraphEvents {
  readonly #files: StoredFiles;
  readonly #keys = new Map<string, string>();
  readonly #open = new Map<string, OpenTask>();
  #failed: string | undefined;

  constructor(files: StoredFiles) {
    this.#files = files;
  }

  /** The name of the node that failed first. */
  get failed(): string | undefined {
    return this.#failed;
  }

  /** The step of the node that something belongs to. */
  keyOf({ langgraph_checkpoint_ns: namespace }: TaskMetadata): string | undefined {
    for (let place = namespace; place; place = outer(place)) {
      const key = this.#keys.get(place);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  /** What a callback says; nothing for chains that are no nodes. */
  read(callback: GraphCallback): RunEventBody | undefined {
    switch (callback.on) {
      case "chainStart": {
        const { id, tags, metadata } = callback;
        return isTask(tags) ? this.#begin(id, this.#take(metadata), this.keyOf(around(metadata))) : undefined;
      }
      case "toolStart": {
        const { id, metadata, name, callId = id } = callback;
        const parent = this.keyOf(metadata);
        return this.#begin(id, { key: `${parent ?? "graph"}/tool/${name}/${callId}`, name, kind: "TOOL" }, parent);
      }
      case "end":
        return this.#end(callback.id, ({ key }) => ({ step: key, status: "SUCCEEDED", output: jsonOf(callback.output, this.#files) }));
      case "error":
        return this.#end(callback.id, (task) => this.#failure(task, callback.error));
    }
  }

  #begin(id: string, task: OpenTask, parent: string | undefined): RunEventBody {
    this.#open.set(id, task);
    const { key, name, kind } = task;
    return { kind: "step.started", step: key, name, stepKind: kind, ...(parent === undefined ? {} : { parentStep: parent }) };
  }

  #end(id: string, tell: (task: OpenTask) => Omit<StepFinished, "kind">): RunEventBody | undefined {
    const task = this.#open.get(id);
    if (!task) return undefined;
    this.#open.delete(id);
    return { kind: "step.finished", ...tell(task) };
  }

  #take(metadata: TaskMetadata): OpenTask {
    const {
      langgraph_node: name = "node",
      langgraph_step: step = 0,
      langgraph_path: path = [],
      langgraph_checkpoint_ns: namespace = "",
    } = metadata;
    const parent = this.keyOf(around(metadata));
    const sent =
      path[0] === "__pregel_push"
        ? `/${path
            .slice(1)
            .filter((part) => typeof part === "number")
            .join(".")}`
        : "";
    const key = `${parent === undefined ? "" : `${parent}/`}${name}/${step}${sent}`;
    this.#keys.set(namespace, key);
    return { key, name, kind: "NODE" };
  }

  #failure({ key, name, kind }: OpenTask, error: unknown): Omit<StepFinished, "kind"> {
    if (isBubbling(error)) return { step: key, status: "CANCELLED", error: "It waits, and begins again when the run goes on." };
    if (kind === "NODE") this.#failed ??= name;
    return { step: key, status: "FAILED", error: messageOf(error) };
  }
}

function isTask(tags: readonly string[]): boolean {
  return tags.some((tag) => tag.startsWith("graph:step:")) && !tags.includes("langsmith:hidden");
}

/** The place of the graph that a task is in. */
function around({ langgraph_checkpoint_ns: namespace = "" }: TaskMetadata): TaskMetadata {
  return { langgraph_checkpoint_ns: outer(namespace) };
}

function outer(namespace: string): string {
  return namespace.slice(0, Math.max(0, namespace.lastIndexOf("|")));
}

/** A node that waits, or hands control to the graph around it, has not failed. */
function isBubbling(error: unknown): boolean {
  return typeof error === "object" && error !== null && "is_bubble_up" in error && error.is_bubble_up === true;
}

/** The most of an update that stands in its step, in characters of JSON. */
const mostOutput = 2 ** 20;

/** What a log can keep of an update; nothing of what is no JSON, or too much. */
function jsonOf(value: unknown, files: StoredFiles): unknown {
  try {
    const text = files.hide(JSON.stringify(value) ?? "null");
    return text.length > mostOutput ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
