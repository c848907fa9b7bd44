import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { ResolvedAddress } from "../../src/core/outgoing/exchange.ts";

/** A server of a test, and the requests that reached it. */
export interface LocalServer extends AsyncDisposable {
  readonly port: number;
  readonly seen: Seen[];
}

interface Seen extends Pick<IncomingMessage, "method" | "url" | "headers"> {
  readonly body: string;
}

/** Listens on an address of this machine; the answer begins when the request has arrived whole. */
export async function localServer(answer: RequestListener, host = "127.0.0.1"): Promise<LocalServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, host, listening));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { port: (server.address() as AddressInfo).port, seen, [Symbol.asyncDispose]: close };
}

/** A server that answers in every way that a client has to stand. */
export function difficultServer(): Promise<LocalServer> {
  return localServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    const to = searchParams.get("to");
    if (pathname === "/redirect") response.writeHead(Number(searchParams.get("status")), { location: to ?? "" }).end("moved");
    else if (pathname === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else if (pathname === "/silent") response.writeHead(200).write("begun");
    else if (pathname === "/endless") {
      const timer = setInterval(() => response.write("x".repeat(10_000)), 1);
      response.on("close", () => clearInterval(timer));
    } else if (pathname === "/drip") {
      const timer = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(timer));
    } else if (pathname === "/long") response.writeHead(200, { "content-length": "5000000" }).end("x".repeat(5_000_000));
    else if (pathname === "/bomb") response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(20_000_000)));
    else if (pathname === "/cut") {
      response.writeHead(200, { "content-length": "100" }).write("short");
      setImmediate(() => response.destroy());
    } else if (pathname === "/upgrade")
      response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n");
    else if (pathname === "/empty")
      response.writeHead(Number(searchParams.get("status")), { "content-encoding": "gzip", "content-length": "0" }).end();
    else if (pathname === "/encoded") {
      const encode = new Map([
        ["gzip", gzipSync],
        ["br", brotliCompressSync],
        ["deflate", deflateSync],
      ]).get(searchParams.get("as") ?? "");
      response.writeHead(200, { "content-encoding": searchParams.get("as") ?? "" }).end(encode?.("hello"));
    } else if (pathname === "/broken") response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip");
    else response.writeHead(Number(searchParams.get("status") ?? 200), { "x-answer": ["a", "b"] }).end("hello");
  });
}

/** Names lead where a test says; every look is noted. */
export function resolver(names: Readonly<Record<string, readonly string[] | (() => readonly string[])>>) {
  const looks: string[] = [];
  const resolve = async (host: string) => {
    looks.push(host);
    const found = names[host];
    if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    return (typeof found === "function" ? found() : found).map(address);
  };
  return { looks, resolve };
}

const address = (text: string): ResolvedAddress => ({ address: text, family: text.includes(":") ? 6 : 4 });

/** What a client says of an address that it does not go to. */
export const refusal = { code: "OUTGOING_REFUSED", kind: "input" };
