import {
  DecisionKind,
  defineConfig,
  defineEnum,
  defineEventType,
  definePlugin,
  enumKey,
  extendInput,
  idempotently,
  nodeType,
  resultType,
  serviceRef,
  WeftlineError,
  type AgentRuntime,
  type ErrorCode,
  type GraphBuilder,
  type RunContext,
  type RunEventBody,
  type Scope,
  type ToolDefinition,
  type ToolOutcome,
  type Viewer,
} from "#weftline";

declare const builder: GraphBuilder;
declare const scope: Scope;
declare const ctx: RunContext;

// Errors are those of the catalogue.
void new WeftlineError("NOT_FOUND", { what: "thread", path: ["input", "thread"] }, { cause: new Error("gone") });
export const code: ErrorCode = "BUSY";
// @ts-expect-error TS2345: no such code.
void new WeftlineError("OOPS");
// @ts-expect-error TS2322: a path is a list of words.
void new WeftlineError("NOT_FOUND", { path: "input.thread" });
// @ts-expect-error TS2322: milliseconds are a number.
void new WeftlineError("RATE_LIMITED", { retryAfterMs: "PT1S" });
// @ts-expect-error TS2540: an error is what it was when it was made.
new WeftlineError("BUSY").code = "CONFLICT";

// Enums are their own names.
export const Colour = enumKey("RED", "GREEN");
export type Colour = keyof typeof Colour;
export const red: Colour = Colour.RED;
// @ts-expect-error TS2322: a value of another enum.
export const foreign: Colour = DecisionKind.APPROVE;
// @ts-expect-error TS2339: no such value.
export const missing = Colour.BLUE;
defineEnum(builder, Colour, "PaintColour", "A colour.", { RED: "Red.", GREEN: "Green." });
// @ts-expect-error TS2741: a value without a description.
defineEnum(builder, Colour, "PaintColour", "A colour.", { RED: "Red." });
// @ts-expect-error TS2353: a description of a value that does not exist.
defineEnum(builder, Colour, "PaintColour", "A colour.", { RED: "Red.", GREEN: "Green.", BLUE: "Blue." });

// Types of the graph are typed by their classes.
class Paint {
  declare readonly id: string;
  declare readonly colour: Colour;
}
nodeType(builder, Paint, {
  name: "PaintTin",
  description: "A tin.",
  ownership: { rule: "SHARED" },
  load: async (ids) => ids.map(() => undefined),
  fields: (t) => ({
    colour: t.field({ type: Colour, description: "Its colour.", resolve: (paint) => paint.colour }),
    // @ts-expect-error TS2322: a number is no colour.
    wrong: t.field({ type: Colour, description: "Its colour.", resolve: () => 1 }),
    // @ts-expect-error TS2339: a tin has no size.
    size: t.int({ description: "Its size.", resolve: (paint) => paint.size }),
  }),
});
builder.queryField("paintTin", (t) => t.field({ type: Paint, description: "A tin.", resolve: () => null }));
// @ts-expect-error TS2322: an object of another class.
builder.queryField("paintWrong", (t) => t.field({ type: Paint, description: "A tin.", resolve: () => ({ lid: true }) }));
// @ts-expect-error TS2322: what may not be null.
builder.queryField("paintCount", (t) => t.int({ nullable: false, description: "How many.", resolve: () => null }));
const result = resultType<{ readonly paint: Paint }>(builder, "PaintMix", {
  errors: ["conflict"],
  fields: (t) => ({ paint: t.field({ type: Paint, description: "The tin.", resolve: (payload) => payload.paint }) }),
});
// @ts-expect-error TS2322: a kind of error that no mutation answers with.
resultType<{ readonly paint: Paint }>(builder, "PaintMix", { errors: ["internal"], fields: () => ({}) });
// @ts-expect-error TS2322: work that answers something else.
void result.attempt(async () => ({ colour: Colour.RED }));
// @ts-expect-error TS2353: a field of an input is described, not resolved.
extendInput(builder, "PaintInput", (t) => ({ colour: t.string({ resolve: () => "" }) }));
// @ts-expect-error TS2322: a field of an input is made by its builder.
extendInput(builder, "PaintInput", () => ({ size: 1 }));
// @ts-expect-error TS2741: an event belongs to a run or to a stream.
defineEventType(builder, "PaintDriedEvent", { kinds: ["paint.dried"], description: "It is dry." });

// Whoever reads, reads as somebody.
export const names = async (): Promise<string[]> => (await scope.em.find(Paint, { colour: "RED" })).map(({ id }) => id);
// @ts-expect-error TS2353: a condition on what does not exist.
void scope.em.find(Paint, { size: 3 });
// @ts-expect-error TS2540: a scope is its viewer's for ever.
scope.viewer = { tenantId: "t", actorId: "a", name: "A", roles: [] };
// @ts-expect-error TS2339: a scope gives no way around its viewer.
void scope.database;
// @ts-expect-error TS2741: a viewer has roles, if none.
export const nobody: Viewer = { tenantId: "t", actorId: "a", name: "A" };
// @ts-expect-error TS2322: what is stored with a key are ids.
void idempotently(scope, { mutation: "mix", key: "k", body: {} }, async () => ({ paint: 1 }));
const paints = serviceRef<{ mix(): Paint }>("paint.paints");
export const mixed: Paint = scope.use(paints).mix();
// @ts-expect-error TS2339: the service has no such method.
scope.use(paints).dry();

// An adapter translates: it cannot start, finish, fail or cancel a run.
export const said: RunEventBody = { kind: "message.delta", message: "m", part: 0, channel: "TEXT", text: "Hello" };
// @ts-expect-error TS2322: the engine says when a run is finished.
export const finish: RunEventBody = { kind: "run.finished" };
// @ts-expect-error TS2322: only callTool says that a tool was called.
export const called: RunEventBody = { kind: "tool.finished" };
// @ts-expect-error TS2322: a message that is finished streams no more.
export const streaming: RunEventBody = { kind: "message.finished", message: "m", status: "STREAMING" };
// @ts-expect-error TS2339: nothing of the run is handed to an adapter but what it needs.
void ctx.engine;
// @ts-expect-error TS2741: a feature is declared, or not: never left open.
export const features: AgentRuntime["features"] = {
  streaming: true,
  tools: true,
  interrupts: false,
  resume: true,
  steps: true,
  state: false,
  structuredOutput: true,
};
// @ts-expect-error TS2322: side effects of a kind that policies do not know.
export const effects: ToolDefinition["sideEffects"] = "MAYBE";
// @ts-expect-error TS2353: a failed call has an error, not a result.
export const outcome: ToolOutcome = { status: "ERROR", result: 1 };

// A configuration holds entries, not factories.
const hello = definePlugin({ id: "hello" });
defineConfig({ plugins: [hello(), [false, Promise.resolve(hello())]], mode: "production", server: { port: 0 } });
// @ts-expect-error TS2322: the factory was not called.
defineConfig({ plugins: [hello] });
// @ts-expect-error TS2741: no plugins at all.
defineConfig({ mode: "production" });
// @ts-expect-error TS2322: a mode that does not exist.
defineConfig({ plugins: [], mode: "test" });
