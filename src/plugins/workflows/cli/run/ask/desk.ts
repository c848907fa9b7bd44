import { setTimeout as delay } from "node:timers/promises";
import { messageOf, type CliContext } from "#weftline";
import { decideDocument } from "../documents.ts";
import type { Asked, DecisionKind } from "../events.ts";
import type { LiveTree } from "../show/live.ts";
import { later, promptFor, type Decided } from "./prompts.ts";
import { problemsOf, type Refused } from "../refused.ts";
import { isWorking } from "../show/nodes.ts";
import { oneLine } from "../show/text.ts";
import type { RunTree } from "../tree.ts";

/** What answers where nobody is asked. */
export type Approve = "all" | "none" | undefined;

/** How long nothing has to happen before a question is put, and how long a question waits for that at most. */
const stillMs = 150;
const maxWaitMs = 3_000;
/** How long until a setting decides again what did not reach the server. */
const againMs = 500;

/** Decides what a run asks: by a setting, by asking a person, or by saying how to. */
export class Desk {
  readonly #ctx: CliContext;
  readonly #tree: RunTree;
  readonly #approve: Approve;
  readonly #live: LiveTree | undefined;
  readonly #onLater: () => void;
  readonly #seen = new Set<string>();
  #open: { readonly id: string; readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #isClosed = false;

  constructor(
    ctx: CliContext,
    tree: RunTree,
    options: { readonly approve: Approve; readonly live: LiveTree | undefined; readonly onLater: () => void },
  ) {
    this.#ctx = ctx;
    this.#tree = tree;
    this.#approve = options.approve;
    this.#live = options.live;
    this.#onLater = options.onLater;
  }

  /** Looks at what is pending now. */
  look(): void {
    if (this.#isClosed) return;
    const { pending } = this.#tree;
    if (this.#open) {
      if (!pending.has(this.#open.id)) this.#open.stop.abort();
      return;
    }
    const asked = [...pending.values()].find(({ id }) => !this.#seen.has(id));
    if (!asked) return;
    this.#seen.add(asked.id);
    const stop = new AbortController();
    const done = this.#handle(asked, stop.signal)
      .catch((error: unknown) => this.#notDecided(asked, error, stop.signal))
      .finally(() => {
        this.#open = undefined;
        this.look();
      });
    this.#open = { id: asked.id, stop, done };
  }

  /** Takes back what is asked. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#open?.stop.abort();
    await this.#open?.done;
  }

  async #handle(asked: Asked, signal: AbortSignal): Promise<void> {
    if (!asked.canDecide) return this.#say(`Others have to decide: ${oneLine(asked.message)}`);
    const kind = automatic(asked, this.#approve);
    if (kind) {
      this.#say(`${kind === "APPROVE" ? "Approved" : "Rejected"} by --approve ${this.#approve}: ${oneLine(asked.message)}`);
      return this.#decide(asked, { kind });
    }
    const { screen } = this.#ctx;
    if (!screen?.input) return this.#tellHow(asked);
    await this.#untilStill(signal);
    if (signal.aborted) return;
    this.#live?.pause();
    try {
      const decided = await promptFor(asked, this.#tree.askerOf(asked), { input: screen.input, output: screen.output, signal });
      if (signal.aborted) return;
      if (decided === later) return this.#onLater();
      await this.#decide(asked, decided);
    } finally {
      if (!this.#isClosed) this.#live?.resume();
    }
  }

  /** What did not reach the server is asked again: a person would wait for the run, and the run for the person. */
  async #notDecided({ id }: Asked, error: unknown, signal: AbortSignal): Promise<void> {
    this.#say(`The question was not decided: ${messageOf(error)}`);
    if (this.#approve !== undefined) {
      if ((error as { readonly code?: unknown }).code !== "UNAVAILABLE") return;
      await delay(againMs, undefined, { signal }).catch(() => undefined);
    }
    this.#seen.delete(id);
  }

  /** Lets what is at work beside the question be seen to end: the tree is not drawn again while a question is open. */
  async #untilStill(signal: AbortSignal): Promise<void> {
    const latest = Date.now() + maxWaitMs;
    for (let seq = -1; !signal.aborted && Date.now() < latest && (seq !== this.#tree.seq || isWorking(this.#tree));) {
      seq = this.#tree.seq;
      await delay(stillMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #say(line: string): void {
    if (this.#live) this.#live.say(line);
    else this.#ctx.say(line);
  }

  async #decide({ id, argumentsHash }: Asked, decided: Decided): Promise<void> {
    const input = { interrupt: id, ...decided, ...(argumentsHash === null ? {} : { argumentsHash }) };
    const { decideInterrupt } = await this.#ctx.graph.request<{ readonly decideInterrupt: Refused }>(decideDocument, { input });
    if (decideInterrupt.__typename === "DecideInterruptPayload") return;
    for (const { path, message } of problemsOf(decideInterrupt)) this.#say(`${path.slice(1).join(".") || "The decision"}: ${message}`);
    // What another decided meanwhile is told by an event; what was not valid is asked again.
    if (decideInterrupt.__typename === "InvalidInputError" && !this.#approve) this.#seen.delete(id);
  }

  #tellHow(asked: Asked): void {
    const { id, message, allowed, argumentsHash } = asked;
    const { graph } = this.#ctx;
    const say = (line: string): void => this.#say(line);
    const hash = argumentsHash === null ? "" : `, argumentsHash: ${JSON.stringify(argumentsHash)}`;
    const payload = allowed[0] === "ANSWER" ? ", payload: …" : "";
    say(`${oneLine(this.#tree.askerOf(asked) ?? "The run")} asks: ${oneLine(message)}`);
    say(
      graph.url === undefined
        ? "  There is no terminal to ask in. Run the same command with --attach in a terminal, add --approve all or none, or stop this, start a server and send it:"
        : "  Send this to the server, or run the same command with --attach in a terminal:",
    );
    say(
      `  mutation { decideInterrupt(input: { interrupt: "${id}", kind: ${allowed[0] ?? "APPROVE"}${hash}${payload} }) { __typename } }   (allowed: ${allowed.join(", ")})`,
    );
  }
}

/** What `--approve` decides. A call whose first try may have had its effect is a person's to decide. */
function automatic({ allowed, kind }: Asked, approve: Approve): DecisionKind | undefined {
  if (approve === undefined || kind === "UNCERTAIN") return undefined;
  const wanted = approve === "all" ? "APPROVE" : "REJECT";
  return allowed.includes(wanted) ? wanted : undefined;
}
