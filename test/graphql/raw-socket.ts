import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/** A message of the protocol. */
export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket without a client library: what it was sent, and how it ended. */
export interface RawSocket {
  readonly socket: WebSocket;
  readonly tcp: Socket;
  readonly messages: Message[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(message: Message): void;
  subscribe(id: string, query: string, variables?: Record<string, unknown>): void;
}

/** Watches a socket from its first byte on; `init` also opens the protocol and waits for the answer. */
export async function raw(socket: WebSocket, init: "init" | "bare" = "init", payload?: Record<string, unknown>): Promise<RawSocket> {
  const messages: Message[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
  const send = (message: Message): void => socket.send(JSON.stringify(message));
  const first = new Promise<void>((done) => {
    socket.on("message", (data) => {
      messages.push(JSON.parse(String(data)) as Message);
      done();
    });
  });
  await new Promise<void>((done, fail) => {
    socket.once("open", done);
    socket.once("error", fail);
  });
  if (init === "init") {
    send({ type: "connection_init", payload });
    await Promise.race([first, closed]);
  }
  const { _socket: tcp } = socket as unknown as { _socket: Socket };
  return {
    socket,
    tcp,
    messages,
    closed,
    send,
    subscribe: (id, query, variables) => send({ id, type: "subscribe", payload: { query, variables } }),
  };
}

/** The HTTP status with which an upgrade was refused. */
export function refusal(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.on("error", () => undefined);
    socket.once("unexpected-response", (_, response) => resolve(response.statusCode));
    socket.once("open", () => reject(new Error("The upgrade was not refused.")));
  });
}
