import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPlatform, type Platform } from "../../../../src/core/platform.ts";
import { auth, capabilities, workflows } from "../../../../src/plugins/index.ts";
import { root, weftline } from "../../../cli/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-broken-"));
const ask = join(folder, "ask.json");
const config = join(folder, "plugins.config.ts");
let platform: Platform;
let between: Server;
/** What stands in a request before which all connections break, once. */
let breaksAt: string | undefined;

beforeAll(async () => {
  platform = await createPlatform({ plugins: [auth(), capabilities(), workflows()], dataDir: folder, logLevel: "silent" });
  const { port } = new URL((await platform.listen({ port: 0 })).url);
  between = await brittle(Number(port));
  const list = JSON.stringify(join(root, "src/plugins/index.ts"));
  writeFileSync(
    config,
    `import { auth, capabilities, workflows } from ${list};\nexport default { plugins: [auth(), capabilities(), workflows()], logLevel: "silent" };`,
  );
  writeFileSync(ask, JSON.stringify({ name: "ask", nodes: [{ key: "go", kind: "approval", config: { message: "Go?" } }] }));
});
afterAll(async () => {
  between.close();
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A way to a server that breaks. */
async function brittle(port: number): Promise<Server> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const beyond = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [socket, beyond],
      [beyond, socket],
    ] as const) {
      open.add(one);
      one.on("error", () => one.destroy()).on("close", () => open.delete(one) && other.destroy());
    }
    beyond.pipe(socket);
    socket.on("data", (chunk) => {
      if (breaksAt === undefined || !chunk.includes(breaksAt)) return void beyond.write(chunk);
      breaksAt = undefined;
      for (const each of open) each.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

it("an approval that did not reach the server is given again, and a lost connection is told", async () => {
  breaksAt = "mutation Decide";
  const url = `http://127.0.0.1:${(between.address() as AddressInfo).port}/graphql`;
  const { code, said } = await weftline("run", ask, "--url", url, "--config", config, "--approve", "all", "--watch");
  expect(breaksAt).toBeUndefined();
  expect(code).toBe(0);
  expect(said).toContain("The question was not decided: ");
  expect(said).toMatch(/The connection to \S+ is lost\. Connecting again…[^]*Connected again\./);
  expect(said.match(/Approved by --approve all: Go\?/g)).toHaveLength(2);
});
