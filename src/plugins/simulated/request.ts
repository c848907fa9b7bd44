/** A JSON Schema as a tool or a response format carries it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A tool call that an earlier answer made. */
interface PastCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** A picture or document of a message: what its sender says of it, and what is there. */
export interface SeenFile {
  /** Pictures have none. */
  readonly name?: string;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
}

/** One turn of the conversation, the same for both APIs. */
export type Turn =
  | { readonly role: "system" | "user"; readonly text: string; readonly files?: readonly SeenFile[] }
  | { readonly role: "assistant"; readonly text: string; readonly calls: readonly PastCall[] }
  | { readonly role: "tool"; readonly callId: string; readonly text: string };

/** A function that the request offers to the model. */
export interface OfferedTool {
  readonly name: string;
  readonly parameters: JsonSchema;
}

/** Whether and which tools the answer has to call. */
export type ToolChoice = { readonly mode: "auto" | "none" | "required" } | { readonly mode: "tool"; readonly name: string };

/** What the text of the answer has to be. */
export type AnswerFormat = { readonly kind: "text" } | { readonly kind: "json"; readonly schema?: JsonSchema };

/** A request of Chat Completions or of the Responses API, reduced to what decides the answer. */
export interface SimulatedRequest {
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly tools: readonly OfferedTool[];
  readonly toolChoice: ToolChoice;
  /** 1 where the caller turned parallel calls off. */
  readonly mostCalls: number;
  readonly format: AnswerFormat;
  /** Whether the caller asked to see reasoning. */
  readonly reasons: boolean;
  /** Most tokens of the text. */
  readonly maxTokens?: number;
}

/** A tool's result with the call that it belongs to. */
export interface ToolResult {
  readonly name: string;
  readonly text: string;
}

/** Whether a value is an object with keys. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of the last user message, or nothing when there is none. */
export function lastUserText(request: SimulatedRequest): string {
  return request.turns.findLast((turn) => turn.role === "user")?.text.trim() ?? "";
}

/** The files of the last user message. */
export function lastUserFiles(request: SimulatedRequest): readonly SeenFile[] {
  const last = request.turns.findLast((turn) => turn.role === "user");
  return (last && "files" in last ? last.files : undefined) ?? [];
}

/** The tool results that stand after the last user message, in order. */
export function freshResults(request: SimulatedRequest): readonly ToolResult[] {
  const names = new Map<string, string>();
  for (const turn of request.turns) {
    if (turn.role === "assistant") for (const call of turn.calls) names.set(call.id, call.name);
  }
  const since = request.turns.findLastIndex((turn) => turn.role === "user");
  return request.turns
    .slice(since + 1)
    .flatMap((turn) => (turn.role === "tool" ? [{ name: names.get(turn.callId) ?? "a tool", text: turn.text }] : []));
}
