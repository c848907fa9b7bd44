import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as the collector was sent it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly at: number; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector that takes OTLP over HTTP, in protobuf, on a free port of the loopback. */
export interface Receiver extends AsyncDisposable {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  readonly requests: readonly { readonly path: string; readonly headers: Readonly<Record<string, unknown>> }[];
  /** From now on it answers so: takes spans, refuses them for good, or says nothing. */
  mood: "takes" | "refuses" | "silent";
}

export async function receiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = [];
  const requests: { path: string; headers: Readonly<Record<string, unknown>> }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({ path: request.url ?? "", headers: request.headers });
    if (made.mood === "silent") return;
    if (made.mood === "refuses") return void response.writeHead(400).end();
    spans.push(...spansIn(Buffer.concat(chunks)));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const made: Receiver = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    mood: "takes",
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return made;
}

type Field = bigint | Buffer;
type Fields = ReadonlyMap<number, readonly Field[]>;

/** The fields of a protobuf message, by number. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const bytes = (length: number): Buffer => message.subarray(at, (at += length));
  while (at < message.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value = wire === 0 ? varint() : wire === 1 ? bytes(8) : wire === 2 ? bytes(Number(varint())) : bytes(4);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const all = (fields: Fields, number: number): Buffer[] => (fields.get(number) ?? []).filter((field) => Buffer.isBuffer(field));
const one = (fields: Fields, number: number): Buffer => all(fields, number)[0] ?? Buffer.alloc(0);
const whole = (fields: Fields, number: number): number => Number(fields.get(number)?.[0] ?? 0n);
const time = (fields: Fields, number: number): number => Number(one(fields, number).readBigUInt64LE() / 1_000n) / 1_000;

function spansIn(request: Buffer): ReceivedSpan[] {
  return all(fieldsOf(request), 1).flatMap((ofResource) => {
    const resourceSpans = fieldsOf(ofResource);
    const resource = attributesIn(fieldsOf(one(resourceSpans, 1)), 1);
    return all(resourceSpans, 2).flatMap((ofScope) => all(fieldsOf(ofScope), 2).map((span) => spanIn(fieldsOf(span), resource)));
  });
}

function spanIn(span: Fields, resource: ReceivedSpan["resource"]): ReceivedSpan {
  return {
    traceId: one(span, 1).toString("hex"),
    spanId: one(span, 2).toString("hex"),
    parentId: one(span, 4).toString("hex"),
    name: one(span, 5).toString(),
    kind: whole(span, 6),
    startedAt: time(span, 7),
    finishedAt: time(span, 8),
    attributes: attributesIn(span, 9),
    events: all(span, 11).map((event) => {
      const fields = fieldsOf(event);
      return { name: one(fields, 2).toString(), at: time(fields, 1), attributes: attributesIn(fields, 3) };
    }),
    links: all(span, 13).map((link) => {
      const fields = fieldsOf(link);
      return { traceId: one(fields, 1).toString("hex"), spanId: one(fields, 2).toString("hex") };
    }),
    status: whole(fieldsOf(one(span, 15)), 3),
    resource,
  };
}

function attributesIn(fields: Fields, number: number): Record<string, unknown> {
  return Object.fromEntries(
    all(fields, number).map((pair) => {
      const { 1: name, 2: value } = { 1: one(fieldsOf(pair), 1).toString(), 2: fieldsOf(one(fieldsOf(pair), 2)) };
      return [name, valueIn(value)];
    }),
  );
}

function valueIn(value: Fields): unknown {
  if (value.has(1)) return one(value, 1).toString();
  if (value.has(2)) return whole(value, 2) === 1;
  if (value.has(3)) return whole(value, 3);
  return value.has(4) ? one(value, 4).readDoubleLE() : undefined;
}
