import { WeftlineError } from "../../errors.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { runtimes, type AgentRuntime, type RuntimeFeatures, type RuntimeStatus } from "../runtime.ts";
import { FrameworkMode } from "../types.ts";

/** The type key of `Framework`: an adapted framework and how it stands now. */
export class Framework {
  readonly id: string;
  readonly runtime: AgentRuntime;
  readonly status: RuntimeStatus;
  readonly models: readonly string[];

  constructor(runtime: AgentRuntime, status: RuntimeStatus, models: readonly string[]) {
    this.id = runtime.id;
    this.runtime = runtime;
    this.status = status;
    this.models = models;
  }
}

/** A framework by the id that agents name; null where no plugin adapts it. */
export async function frameworkOf(scope: Scope, id: string): Promise<Framework | null> {
  const found = scope.contributions(runtimes).get(id)?.value;
  return found ? standing(scope, found) : null;
}

/** An adapter that cannot even say how it stands is unavailable, and the others are still listed. */
async function standing(scope: Scope, runtime: AgentRuntime): Promise<Framework> {
  try {
    return new Framework(runtime, await runtime.status(), await runtime.models());
  } catch (error) {
    scope.log.warn({ framework: runtime.id, err: error }, "a framework did not say how it stands");
    return new Framework(runtime, { mode: "UNAVAILABLE", ...explain(error) }, []);
  }
}

/** Words for people; those of an unknown error may hold what nobody should read. */
function explain(error: unknown): { readonly reason: string; readonly fix: string } {
  if (error instanceof WeftlineError) return { reason: error.message, fix: error.fix };
  return { reason: "It did not say how it stands.", fix: "Look into the log of the server." };
}

const features: Readonly<Record<keyof RuntimeFeatures, string>> = {
  streaming: "Text arrives while the model writes.",
  tools: "Agents call tools.",
  interrupts: "A run can wait for a person.",
  resume: "A run goes on after a lost process.",
  steps: "Its own steps are shown.",
  state: "Its state is shown as it changes.",
  structuredOutput: "Answers follow a JSON Schema.",
  usage: "Tokens are reported.",
  files: "Messages may hold files.",
};

export function addFrameworks(builder: GraphBuilder): void {
  const FrameworkFeatures = builder.objectRef<RuntimeFeatures>("FrameworkFeatures").implement({
    description: "What the adapter really does; every true is exercised by the conformance suite.",
    fields: (t) =>
      Object.fromEntries(
        Object.entries(features).map(([name, description]) => [
          name,
          t.boolean({ nullable: false, description, resolve: (declared) => declared[name as keyof RuntimeFeatures] ?? false }),
        ]),
      ),
  });
  nodeType(builder, Framework, {
    name: "Framework",
    description: "An agent framework, adapted.",
    ownership: { rule: "INSTALLED" },
    load: (ids, scope) => Promise.all(ids.map(async (id) => (await frameworkOf(scope, id)) ?? undefined)),
    fields: (t) => ({
      name: t.string({ nullable: false, description: "Its id, as agents name it.", resolve: ({ runtime }) => runtime.id }),
      mode: t.field({ type: FrameworkMode, nullable: false, description: "How it answers now.", resolve: ({ status }) => status.mode }),
      reason: t.string({ description: "Why it is not LIVE.", resolve: ({ status }) => status.reason ?? null }),
      fix: t.string({ description: "What makes it LIVE.", resolve: ({ status }) => status.fix ?? null }),
      sdk: t.string({ description: "The package behind it.", resolve: ({ runtime }) => runtime.sdk?.name ?? null }),
      sdkVersion: t.string({ description: "That package's version.", resolve: ({ runtime }) => runtime.sdk?.version ?? null }),
      features: t.field({
        type: FrameworkFeatures,
        nullable: false,
        description: "What it does.",
        resolve: ({ runtime }) => runtime.features,
      }),
      optionsSchema: t.field({
        type: "JSON",
        nullable: false,
        description: "JSON Schema of the options of an agent that uses it.",
        resolve: ({ runtime }) => runtime.optionsSchema,
      }),
      models: t.stringList({
        nullable: false,
        description: "Models that its agents can name, as binding/model.",
        resolve: ({ models }) => [...models],
      }),
    }),
  });
  builder.queryField("frameworks", (t) =>
    t.field({
      type: [Framework],
      description: "The agent frameworks that are installed, by name.",
      resolve: (_, __, scope) => Promise.all([...scope.contributions(runtimes).values()].map(({ value }) => standing(scope, value))),
    }),
  );
}
