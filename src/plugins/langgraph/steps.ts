import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { messageOf, type RunEventBody } from "#weftline";
import type { Exchange } from "#plugins/langchain";
import type { LangGraphSdk } from "./sdk.ts";
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

interface OpenTask {
  readonly key: string;
  readonly name: string;
  readonly kind: "NODE" | "TOOL";
}

/**
 * The steps of a graph's nodes, and of tools of its own. A node is named by its place, not by when it came: `node/3` in the third superstep, `node/3/1` where it is the
 * second of those that were sent side by side, with the place of the node around it before that.
 */
export class NodeSteps {
  readonly #exchange: Exchange;
  readonly #files: StoredFiles;
  readonly #keys = new Map<string, string>();
  readonly #open = new Map<string, OpenTask>();
  #failed: string | undefined;

  constructor(exchange: Exchange, files: StoredFiles) {
    this.#exchange = exchange;
    this.#files = files;
  }

  /** The name of the node that failed last. */
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

  handler({ callbacks }: Pick<LangGraphSdk, "callbacks">): BaseCallbackHandler {
    const methods = {
      name: "weftline-nodes",
      awaitHandlers: true,
      handleChainStart: (_chain: unknown, _inputs: unknown, id: string, ...rest: readonly unknown[]) => {
        const [, tags = [], metadata = {}] = rest as readonly [unknown, string[]?, TaskMetadata?];
        if (!isTask(tags)) return undefined;
        const task = this.#take(metadata);
        this.#open.set(id, task);
        return this.#exchange.say(() => [
          started(task, this.keyOf({ langgraph_checkpoint_ns: outer(metadata.langgraph_checkpoint_ns ?? "") })),
        ]);
      },
      handleChainEnd: (output: unknown, id: string) => this.#succeed(id, output),
      handleChainError: (error: unknown, id: string) => this.#fail(id, error),
      handleToolStart: (_tool: unknown, _input: unknown, id: string, ...rest: readonly unknown[]) => {
        const [, , metadata = {}, name = "tool", callId] = rest as readonly [unknown, unknown, TaskMetadata?, string?, string?];
        const parent = this.keyOf(metadata);
        const task = { key: `${parent ?? "graph"}/tool/${name}/${callId ?? id}`, name, kind: "TOOL" as const };
        this.#open.set(id, task);
        return this.#exchange.say(() => [started(task, parent)]);
      },
      handleToolEnd: (output: unknown, id: string) => this.#succeed(id, output),
      handleToolError: (error: unknown, id: string) => this.#fail(id, error),
    };
    return callbacks.BaseCallbackHandler.fromMethods(methods as never);
  }

  #take(metadata: TaskMetadata): OpenTask {
    const {
      langgraph_node: name = "node",
      langgraph_step: step = 0,
      langgraph_path: path = [],
      langgraph_checkpoint_ns: namespace = "",
    } = metadata;
    const around = this.keyOf({ langgraph_checkpoint_ns: outer(namespace) });
    const sent =
      path[0] === "__pregel_push"
        ? `/${path
            .slice(1)
            .filter((part) => typeof part === "number")
            .join(".")}`
        : "";
    const key = `${around === undefined ? "" : `${around}/`}${name}/${step}${sent}`;
    this.#keys.set(namespace, key);
    return { key, name, kind: "NODE" };
  }

  #end(id: string, tell: (task: OpenTask) => RunEventBody): Promise<void> | undefined {
    const task = this.#open.get(id);
    if (!task) return undefined;
    this.#open.delete(id);
    return this.#exchange.say(() => [tell(task)]);
  }

  #succeed(id: string, output: unknown): Promise<void> | undefined {
    return this.#end(id, ({ key }) => ({ kind: "step.finished", step: key, status: "SUCCEEDED", output: jsonOf(output, this.#files) }));
  }

  #fail(id: string, error: unknown): Promise<void> | undefined {
    return this.#end(id, (task) => this.#failure(task, error));
  }

  #failure({ key, name, kind }: OpenTask, error: unknown): RunEventBody {
    if (isBubbling(error))
      return { kind: "step.finished", step: key, status: "CANCELLED", error: "It waits, and begins again when the run goes on." };
    if (kind === "NODE") this.#failed ??= name;
    return { kind: "step.finished", step: key, status: "FAILED", error: messageOf(error) };
  }
}

function started({ key, name, kind }: OpenTask, parent: string | undefined): RunEventBody {
  return { kind: "step.started", step: key, name, stepKind: kind, ...(parent === undefined ? {} : { parentStep: parent }) };
}

function isTask(tags: readonly string[]): boolean {
  return tags.some((tag) => tag.startsWith("graph:step:")) && !tags.includes("langsmith:hidden");
}

function outer(namespace: string): string {
  return namespace.slice(0, Math.max(0, namespace.lastIndexOf("|")));
}

/** A node that waits, or hands control to the graph around it, has not failed. */
function isBubbling(error: unknown): boolean {
  return typeof error === "object" && error !== null && "is_bubble_up" in error && error.is_bubble_up === true;
}

/** What a log can keep of an update; nothing of what is no JSON. */
function jsonOf(value: unknown, files: StoredFiles): unknown {
  try {
    return JSON.parse(files.hide(JSON.stringify(value) ?? "null")) as unknown;
  } catch {
    return undefined;
  }
}
