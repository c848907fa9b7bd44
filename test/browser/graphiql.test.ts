import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "../e2e/server.ts";
import { openBrowser, watchPage, type WatchedPage } from "./browser.ts";

const tabs = ["Server", "Templates", "CreateAgent", "CreateThread", "Send", "Watch"];
const patience = { timeout: 30_000 };

describe("GraphiQL in Chromium, on the server that everybody starts", () => {
  const data = dataFolder();
  let server: Server;
  let browser: Browser;
  let watched: WatchedPage;
  beforeAll(async () => {
    browser = await openBrowser();
    server = await startServer(data.folder);
    watched = await watchPage(browser);
    await watched.page.goto(server.url);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    data.remove();
  });

  const tab = (name: string): Locator =>
    watched.page.locator(".graphiql-tab", { has: watched.page.getByRole("button", { name, exact: true }) });
  const result = async (): Promise<string> => (await watched.page.locator(".result-window").innerText()).replaceAll("\u00a0", " ");

  /** One click, as a hand makes it: pressed for a moment. */
  async function choose(name: string): Promise<void> {
    await tab(name).getByRole("button", { name, exact: true }).click({ delay: 120 });
    await expect.poll(() => tab(name).getAttribute("aria-selected"), patience).toBe("true");
  }

  /** Presses the button and waits for what the answer must contain. */
  async function run(answer: string | RegExp): Promise<string> {
    const button = watched.page.getByRole("button", { name: /^Execute query/ });
    await button.click();
    await expect
      .poll(async () => {
        const shown = await result();
        // GraphiQL reads a tab some time after it is shown, and says so to whoever is faster; nothing was sent then.
        if (shown.includes("Cannot infer operation")) await button.click();
        return shown;
      }, patience)
      .toMatch(answer);
    return result();
  }

  it("renders, with a tab for each step", async () => {
    await watched.page.locator(".graphiql-editors").waitFor(patience);
    expect(await watched.page.title()).toBe("Weftline");
    expect(await watched.page.locator(".graphiql-tab").allInnerTexts()).toEqual(tabs);
  });

  it("runs a query", async () => {
    expect(await run('"name": "Local user"')).toContain('"state": "READY"');
  });

  it("leads by its tabs from an empty server to an answer, watched over graphql-transport-ws", async () => {
    await choose("Templates");
    await run('"name": "assistant"');
    await choose("CreateAgent");
    await run('"status": "ACTIVE"');
    await choose("CreateThread");
    await run('"lastSeq": 0');
    await choose("Send");
    await run('"SendMessagePayload"');
    await choose("Watch");
    await run('"__typename": "MessageDeltaEvent"');
    await watched.page.screenshot({ path: join(tmpdir(), "weftline-graphiql.png") });
    await expect.poll(result, patience).toMatch(/"type": "run.finished",\s*"runStatus": "SUCCEEDED",\s*"provenance": "SIMULATED"/);

    expect(watched.sent.slice(0, 2)).toMatchObject([{ type: "connection_init" }, { type: "subscribe" }]);
    const [ack, ...events] = watched.received.filter(({ type }) => type !== "ping" && type !== "pong");
    expect(ack).toEqual({ type: "connection_ack" });
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(["next"]));
    const seqs = events.map(({ payload }) => (payload as { data: { threadEvents: { seq: number } } }).data.threadEvents.seq);
    expect(seqs.length).toBeGreaterThan(50);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it("calls nobody but its server", () => {
    const { origin, host } = new URL(server.url);
    const outside = watched.addresses.filter((address) => !(new URL(address).origin === origin || address.startsWith(`ws://${host}/`)));
    expect(outside).toEqual([]);
    expect(watched.addresses).toContain(server.url.replace("http", "ws"));
    expect(watched.addresses.length).toBeGreaterThan(5);
  });

  it("has nothing to complain about", () => {
    expect(watched.problems).toEqual([]);
  });
});
