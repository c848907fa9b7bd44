import { Socket as Datagrams } from "node:dgram";
import dns from "node:dns";
import { registerHooks } from "node:module";
import { Socket } from "node:net";

// Run as a process of its own: boots the default configuration, has every framework run once, and prints what was loaded and who was called.

/** Packages of frameworks' SDKs, in the order in which they were loaded; a file that holds a version only is none. */
const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\/(openai|langchain|@langchain\/[^/]+)\/(?!version\.|package\.json)/.exec(url) ?? [];
    if (name !== undefined && !loaded.includes(name)) loaded.push(name);
    return next(url, context);
  },
});

/** Whom this process connected to, looked up or sent to. */
const called: string[] = [];
const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as unknown[];
  const to = first as { readonly host?: string; readonly path?: string } | null;
  called.push(typeof first === "object" ? (to?.path ?? to?.host ?? "localhost") : typeof second === "string" ? second : "localhost");
  return connect.apply(this, args);
} as typeof Socket.prototype.connect;
for (const name of ["lookup", "resolve", "resolve4", "resolve6"] as const) {
  const original = dns[name] as (...args: unknown[]) => unknown;
  Object.assign(dns, { [name]: (host: string, ...rest: unknown[]) => (called.push(host), original(host, ...rest)) });
  const promised = dns.promises[name] as (...args: unknown[]) => unknown;
  Object.assign(dns.promises, { [name]: (host: string, ...rest: unknown[]) => (called.push(host), promised(host, ...rest)) });
}
Datagrams.prototype.send = function (this: Datagrams) {
  called.push("a datagram");
} as typeof Datagrams.prototype.send;

const { default: config } = await import("../../plugins.config.ts");
const { createPlatform } = await import("../../src/server.ts");
const platform = await createPlatform({ ...config, logLevel: "error" }, { migrate: "automatic" });
const { url } = await platform.listen({ host: "127.0.0.1", port: 0 });

async function ask<Data>(query: string, variables: object = {}): Promise<Data> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const { frameworks } = await ask<{ frameworks: { name: string }[] }>("{ frameworks { name } }");
const runs: { framework: string; status: string; before: string[]; after: string[] }[] = [];
for (const { name } of frameworks) {
  const before = [...loaded];
  await ask("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input: { name, framework: name } });
  const { startRun } = await ask<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
    { input: { target: { agent: { name } }, text: "Use time.now" } },
  );
  let status = "QUEUED";
  while (["QUEUED", "RUNNING"].includes(status)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    ({
      run: { status },
    } = await ask<{ run: { status: string } }>("query ($id: ID!) { run(id: $id) { status } }", { id: startRun.run.id }));
  }
  runs.push({ framework: name, status, before, after: [...loaded] });
}
await platform.close();
process.stdout.write(JSON.stringify({ runs, called: [...new Set(called)] }));
