import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { bindingTo, play } from "./play.ts";

const said = [
  { choices: [{ index: 0, delta: { content: "Hello." }, finish_reason: null }] },
  { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);

/** A server that counts who connects. */
async function counting(end: (response: ServerResponse) => void) {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(`${said.join("")}data: [DONE]\n\n`);
    end(response);
  });
  let connections = 0;
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

describe("the connection to a provider", () => {
  it("serves one answer after the other", async () => {
    await using server = await counting((response) => setTimeout(() => response.end(), 5));
    for (let turn = 0; turn < 3; turn++) {
      expect((await play({ model: bindingTo(server.baseURL, "chat") })).error).toBeUndefined();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(server.connections()).toBe(1);
  });

  it("holds up no answer that is complete, whether the server ends it or not", async () => {
    await using server = await counting(() => {});
    expect((await play({ model: bindingTo(server.baseURL, "chat") })).error).toBeUndefined();
  });
});
