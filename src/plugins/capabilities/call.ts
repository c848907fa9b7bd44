import {
  WeftlineError,
  checkTexts,
  idempotently,
  plainJson,
  runService,
  type RunTargetType,
  type Scope,
  type ToolDefinition,
} from "#weftline";
import { Skill, Tool, type CallTool, type CapabilityDirectory, type ToolCaller } from "./contract.ts";
import type { GuardedChecker } from "./json-schema-guard.ts";
import type { ToolShelf } from "./shelf.ts";

/** The most that a tool may be given at once, in bytes of UTF-8. */
const maxBytes = 256 * 1024;

/** What calls by people need. */
export interface CallParts {
  readonly shelf: ToolShelf;
  readonly directory: CapabilityDirectory;
  readonly checker: Pick<GuardedChecker, "check">;
}

export function createToolCaller(parts: CallParts): ToolCaller {
  return {
    async call(scope, call) {
      const { tool, args } = await checked(parts, scope, call);
      const { run } = await idempotently(scope, { mutation: "callTool", key: call.idempotencyKey, body: call }, async (tx) => {
        const target = { id: tool.name, name: tool.name };
        const started = await scope.use(runService).start(scope, tx, { targetType: "Tool", target, trigger: "API", input: args });
        return { run: started.id };
      });
      return scope.use(runService).find(scope, run);
    },
  };
}

async function checked(
  parts: CallParts,
  { viewer }: Scope,
  call: CallTool,
): Promise<{ readonly tool: ToolDefinition; readonly args: unknown }> {
  await parts.shelf.settled([call.name]);
  const tool = toolOf(parts, call.name, ["name"]);
  // What comes over the graph was held to these rules there.
  checkTexts({ arguments: call.arguments ?? {} });
  const args = plainJson(call.arguments ?? {}).value;
  const tooLong = Buffer.byteLength(JSON.stringify(args)) > maxBytes;
  const problems = tooLong
    ? [{ path: [], message: `at most ${maxBytes / 1024} KiB` }]
    : await parts.checker.check(tool.inputSchema, args, `${viewer.tenantId}:${viewer.actorId}`);
  if (problems.length === 0) return { tool, args };
  const issues = problems.map(({ path, message }) => ({ path: ["arguments", ...path], message }));
  const words = issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
  throw new WeftlineError("INVALID_INPUT", {
    path: ["arguments"],
    issues,
    message: `The arguments of "${tool.name}" do not fit: ${words}.`,
  });
}

/** @throws NOT_FOUND, UNAVAILABLE */
function toolOf({ shelf, directory }: CallParts, name: string, path: readonly string[]): ToolDefinition {
  const found = directory.find(name);
  if (found instanceof Tool) return found.definition;
  const health = shelf.sourceOf(name)?.health();
  if (health && health.status !== "UP") {
    const reason = health.detail ?? `its source is ${health.status}.`;
    throw new WeftlineError("UNAVAILABLE", { what: `The tool "${name}"`, reason, fix: "Try again when its source is back.", path });
  }
  const message = found instanceof Skill ? `"${name}" is a skill; only tools can be called.` : `There is no tool "${name}".`;
  throw new WeftlineError("NOT_FOUND", { what: "tool", path, message });
}

/** Tools as something that can be run: a person's call of one. */
export function toolTarget(parts: CallParts): RunTargetType {
  return {
    typeName: "Tool",
    admit: async (_, name, path) => void toolOf(parts, name, path),
    program: async ({ targetId: name }) => ({
      capabilities: [name],
      run: async ({ input, callTools }) => {
        const [outcome] = await callTools([{ callId: name, name, arguments: input }]);
        if (outcome?.status === "SUCCESS") return outcome.result;
        const message = outcome?.error ?? "The tool was not called.";
        throw new WeftlineError(outcome?.status === "DENIED" ? "TOOL_DENIED" : "TOOL_FAILED", { tool: name, message });
      },
    }),
    load: async (_, name) => {
      const found = parts.directory.find(name);
      return found instanceof Tool ? found : null;
    },
  };
}
