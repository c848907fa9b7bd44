import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "graphql-ws";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createChannel, definePlugin, perEvent, serviceRef, WeftlineError, type Channel } from "#weftline";
import { resumable } from "../../src/client/index.ts";
import type { RunningServer } from "../../src/core/serving.ts";
import { createPlatform, type Platform } from "../../src/core/platform.ts";
import { auth } from "../../src/plugins/auth/index.ts";

/** A log as the platform's own: rows after a cursor, then live. */
interface Log {
  readonly asked: (number | null)[];
  append(): void;
  follow(after: number | null): Channel<number>;
}

const log = serviceRef<Log>("tape.log");

function createLog(): Log {
  const readers = new Set<Channel<number>>();
  let head = 0;
  const asked: (number | null)[] = [];
  return {
    asked,
    append: () => {
      head++;
      for (const reader of readers) reader.push(head);
    },
    follow: (after) => {
      if (after !== null && after > head) throw new WeftlineError("INVALID_CURSOR", { cursor: after });
      asked.push(after);
      const reader = createChannel<number>(() => readers.delete(reader));
      readers.add(reader);
      // At least once: the last row that was seen comes again.
      for (let seq = Math.max(1, after ?? 1); seq <= head; seq++) reader.push(seq);
      return reader;
    },
  };
}

const tape = definePlugin({
  id: "tape",
  provides: { log },
  schema: (builder) => {
    builder.mutationField("tapeAppend", (t) => t.boolean({ resolve: (_, __, scope) => (scope.use(log).append(), true) }));
    builder.subscriptionField("tapeRows", (t) =>
      t.int({
        args: { after: t.arg.int() },
        subscribe: (_, { after }, scope) => perEvent(scope, scope.use(log).follow(after ?? null)),
        resolve: (seq) => seq as number,
      }),
    );
  },
  setup: () => ({ log: createLog() }),
});

const query = "subscription ($after: Int) { tapeRows(after: $after) }";
const seq = ({ tapeRows }: { tapeRows: number }): number => tapeRows;

describe("a resumable stream", () => {
  let folder: string;
  let platform: Platform;
  let server: RunningServer;
  let client: Client;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "weftline-client-"));
    platform = await createPlatform({ plugins: [auth(), tape()], dataDir: folder, logLevel: "silent" }, { migrate: "automatic" });
    server = await platform.listen({ port: 0 });
    client = createClient({
      url: server.url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      retryAttempts: 50,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      shouldRetry: () => true,
    });
  });
  afterEach(async () => {
    await client.dispose();
    await platform.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (variables: Record<string, unknown> = { after: null }, signal?: AbortSignal) =>
    resumable<{ tapeRows: number }>({ client, query, variables, seq, ...(signal ? { signal } : {}) });
  const read = async (stream: AsyncIterator<{ tapeRows: number }>, count: number): Promise<number[]> => {
    const seen: number[] = [];
    while (seen.length < count) {
      const result = await stream.next();
      if (result.done) break;
      seen.push(result.value.tapeRows);
    }
    return seen;
  };

  it("goes on after each break where it stopped: nothing is lost and nothing comes twice", async () => {
    const rows = platform.use(log);
    const stream = open();
    const seen: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 5; at++) rows.append();
      seen.push(...(await read(stream, 5)));
      await server.close();
      for (let at = 0; at < 5; at++) rows.append();
      server = await platform.listen({ port: server.port });
      seen.push(...(await read(stream, 5)));
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(rows.asked).toEqual([null, 5, 15, 25]);
    await stream.return?.();
  });

  it("starts behind the place that it is given, and leaves the caller's variables as they are", async () => {
    const rows = platform.use(log);
    for (let at = 0; at < 10; at++) rows.append();
    const variables = { after: 7 };
    const stream = open(variables);
    expect(await read(stream, 3)).toEqual([8, 9, 10]);
    expect(variables).toEqual({ after: 7 });
    await stream.return?.();
  });

  it("ends with the server's own words where it is refused", async () => {
    const stream = open({ after: 99 });
    await expect(stream.next()).rejects.toMatchObject({
      name: "WeftlineClientError",
      code: "INVALID_CURSOR",
      errors: [{ extensions: { requestId: expect.any(String) } }],
    });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    const wrong = resumable({ client, query: "subscription { nothing }", seq: () => 1 });
    await expect(wrong.next()).rejects.toMatchObject({ code: "GRAPHQL_VALIDATION_FAILED" });
  });

  it("ends when its reader leaves, wherever that reader waits, and when the signal aborts", async () => {
    const waiting = open();
    const next = waiting.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await waiting.return?.();
    expect(await next).toEqual({ value: undefined, done: true });
    const leaving = new AbortController();
    const other = open({ after: null }, leaving.signal);
    const pending = other.next();
    leaving.abort();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect(await open({ after: null }, AbortSignal.abort()).next()).toEqual({ value: undefined, done: true });
  });
});
