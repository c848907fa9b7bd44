import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WeftlineError } from "#weftline";
import { redacted } from "#plugins/openai";
import { killGroup, type Nursery } from "./nursery.ts";
import { Peer, type Listener } from "./peer.ts";

/** How long a forked process may take to call back, in milliseconds. */
const connectMs = 15_000;
const lastWordsMost = 600;

/** The process of one run. */
export interface Worker {
  readonly peer: Peer;
  /** Ends it and whatever it started, and removes its folder. */
  dismiss(): Promise<void>;
}

/**
 * Starts the process of one run, in a folder of its own that only this user may read.
 *
 * @throws WORKER_LOST where it does not come up, or from open requests when it ends.
 */
export async function hire(nursery: Nursery, listener: Listener): Promise<Worker> {
  const folder = await mkdtemp(join(tmpdir(), "weftline-crew-"));
  const server = createServer();
  let pid: number | undefined;
  const dismiss = async (): Promise<void> => {
    server.close();
    killGroup(pid);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const path = join(folder, "line.sock");
    server.listen(path);
    await once(server, "listening");
    const connection = once(server, "connection") as Promise<[Socket]>;
    const child = await nursery.fork(path, folder);
    pid = child.pid;
    const lost = child.exited.then(async (exit) => {
      const problem = await saidLast(folder);
      return new WeftlineError("WORKER_LOST", { plugin: "crewai", exit, problem });
    });
    const late = new WeftlineError("WORKER_LOST", { plugin: "crewai", exit: "none", problem: "it did not call back in time" });
    const [socket] = await Promise.race([connection, rejected(lost), after(connectMs, late)]);
    server.close();
    const peer = new Peer(socket, socket, listener);
    void lost.then((error) => peer.abandon(error));
    return {
      peer,
      dismiss: async () => {
        socket.destroy();
        await dismiss();
      },
    };
  } catch (error) {
    await dismiss();
    throw error;
  }
}

async function rejected(error: Promise<Error>): Promise<never> {
  throw await error;
}

async function after(ms: number, error: Error): Promise<never> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
  throw error;
}

/** The end of what a lost process wrote, without what looks like a secret. */
async function saidLast(folder: string): Promise<string> {
  const text = await readFile(join(folder, "stderr.log"), "utf8").catch(() => "");
  return redacted(text.slice(-lastWordsMost).trim(), { secrets: [] }) || "it said nothing";
}
