import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/**
 * A provider with no latency of its own, in a process of its own: Chat Completions as server-sent events. The last user message says how many
 * tokens to answer and how many a second, as in `tokens=200 rate=50`; rate 0 is as fast as the socket takes them. A token at a rate is the time
 * at which it was sent, so that its delay can be told where it arrives, or a word of usual length where the message says `words`. Where it says `tool`, the first tool of the request is called first.
 */
const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 0, model: "bench", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const token = chunk({ content: "token " });

const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const said = [...body.matchAll(/tokens=(\d+) rate=(\d+)( words)?/g)].at(-1);
  const wantsTool = body.lastIndexOf("tool tokens=") > body.lastIndexOf('"role":"user"') && !body.includes('"role":"tool"');
  const tool = wantsTool ? /"function":\{"name":"([^"]+)"/.exec(body)?.[1] : undefined;
  const tokens = Number(said?.[1] ?? 10);
  const rate = Number(said?.[2] ?? 0);
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(chunk({ role: "assistant", content: "" }));
  const end = (finish = "stop"): void => {
    const usage = { prompt_tokens: 1, completion_tokens: tokens, total_tokens: tokens + 1 };
    response.end(
      `${chunk({}, finish)}data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 0, model: "bench", choices: [], usage })}\n\ndata: [DONE]\n\n`,
    );
  };
  if (tool !== undefined) {
    response.write(chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: tool, arguments: "{}" } }] }));
    return end("tool_calls");
  }
  if (rate > 0) {
    let sent = 0;
    const timer = setInterval(() => {
      response.write(said?.[3] === undefined ? chunk({ content: `${Date.now()} ` }) : token);
      if (++sent < tokens) return;
      clearInterval(timer);
      end();
    }, 1000 / rate);
    response.on("close", () => clearInterval(timer));
    return;
  }
  for (let sent = 0; sent < tokens;) {
    const count = Math.min(100, tokens - sent);
    sent += count;
    if (!response.write(token.repeat(count))) await once(response, "drain");
  }
  end();
});

server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1\n`));
