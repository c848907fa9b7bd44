import { once } from "node:events";
import { WebSocket } from "ws";

/** An event as a reader that stops saw it. */
export interface SeenEvent {
  readonly seq: number;
  readonly type: string;
}

/** After so many events it stops reading. */
const stopsAfter = 50;

/** A subscriber that stops to read after some events, and can go on: where it left off, also over a new socket once the server has closed the old one. */
export class PausedReader {
  readonly seen: SeenEvent[] = [];
  /** How often the server closed its socket. */
  closed = 0;
  readonly #url: string;
  readonly #run: string;
  readonly #fields: string;
  readonly #ended = Promise.withResolvers<void>();
  #socket: WebSocket | undefined;
  #state: "reading" | "paused" | "resumed" | "done" = "reading";

  private constructor(url: string, run: string, fields: string) {
    this.#url = url.replace("http", "ws");
    this.#run = run;
    this.#fields = fields;
  }

  /** @param fields what it asks of each event, beside its place and its type. */
  static async open(url: string, run: string, fields: string): Promise<PausedReader> {
    const reader = new PausedReader(url, run, fields);
    await reader.#connect();
    return reader;
  }

  /** Reads on. Resolves at the end of the run. */
  async finish(): Promise<void> {
    this.#state = "resumed";
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.resume();
    else await this.#connect();
    await this.#ended.promise;
    this.#state = "done";
    this.#socket?.terminate();
  }

  async #connect(): Promise<void> {
    const socket = new WebSocket(this.#url, "graphql-transport-ws");
    this.#socket = socket;
    await once(socket, "open");
    socket.on("message", (data) => this.#read(socket, String(data)));
    socket.on("close", () => {
      if (this.#state === "done") return;
      this.closed++;
      if (this.#state === "resumed") this.#connect().catch(this.#ended.reject);
    });
    socket.send(JSON.stringify({ type: "connection_init" }));
  }

  #read(socket: WebSocket, text: string): void {
    const frame = JSON.parse(text) as { type: string; payload?: { data?: { runEvents: SeenEvent } } };
    if (frame.type === "connection_ack") {
      const query = `subscription ($run: ID!, $after: Int) { runEvents(run: $run, after: $after) { seq type ${this.#fields} } }`;
      const variables = { run: this.#run, after: this.seen.at(-1)?.seq ?? 0 };
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query, variables } }));
    } else if (frame.type === "next" && frame.payload?.data) {
      const { seq, type } = frame.payload.data.runEvents;
      this.seen.push({ seq, type });
      if (this.#state === "reading" && this.seen.length === stopsAfter) {
        this.#state = "paused";
        socket.pause();
      }
    } else if (frame.type === "complete") this.#ended.resolve();
    else if (frame.type === "error" || frame.payload) this.#ended.reject(new Error(text.slice(0, 2_000)));
  }
}
