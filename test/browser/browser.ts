import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";

/** A page, and all that it did. */
export interface WatchedPage {
  readonly page: Page;
  /** Addresses that it loaded or called, those of sockets included. */
  readonly addresses: string[];
  /** What the console calls an error, what was thrown, what did not load. */
  readonly problems: string[];
  /** Messages over sockets. */
  readonly sent: SocketMessage[];
  readonly received: SocketMessage[];
}

export interface SocketMessage {
  readonly type: string;
  readonly payload?: unknown;
}

/** Starts Debian's Chromium, or the one that CHROMIUM names. @throws where there is none, since a suite that skips proves nothing. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath))
    throw new Error(
      `There is no ${executablePath}. Run: apt-get install -y --no-install-recommends chromium, or set CHROMIUM to the path of one.`,
    );
  // Chromium's sandbox does not run as root, as in containers; the pages are our own.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

/** Opens a page that nothing is kept from, and watches it. */
export async function watchPage(browser: Browser): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const watched: WatchedPage = { page, addresses: [], problems: [], sent: [], received: [] };
  page.on("request", (request) => watched.addresses.push(request.url()));
  page.on("requestfailed", (request) => watched.problems.push(`${request.url()} ${request.failure()?.errorText}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) watched.problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => watched.problems.push(error.message));
  page.on("websocket", (socket) => {
    watched.addresses.push(socket.url());
    socket.on("socketerror", (error) => watched.problems.push(error));
    socket.on("framesent", ({ payload }) => watched.sent.push(JSON.parse(String(payload)) as SocketMessage));
    socket.on("framereceived", ({ payload }) => watched.received.push(JSON.parse(String(payload)) as SocketMessage));
  });
  return watched;
}
