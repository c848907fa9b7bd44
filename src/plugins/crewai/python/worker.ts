import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endOf } from "./last-words.ts";
import { killGroup, type Nursery } from "./nursery.ts";
import { Peer, type Listener } from "./peer.ts";

/** How long a forked process may take to call back, in milliseconds. */
const connectMs = 15_000;
/** How long one that was killed may take to be gone, in milliseconds. */
const goneMs = 2_000;

/** The process of one run. */
export interface Worker {
  readonly peer: Peer;
  /** Ends it and whatever it started, and removes its folder. */
  dismiss(): Promise<void>;
}

/** What a run hears of its process; its end it hears from its requests. */
export type WorkerListener = Omit<Listener, "broken">;

/**
 * Starts the process of one run, in a folder of its own that only this user may read.
 *
 * @throws WORKER_LOST where it does not come up, or from open requests when it ends.
 */
export async function hire(nursery: Nursery, listener: WorkerListener): Promise<Worker> {
  const folder = await mkdtemp(join(tmpdir(), "weftline-crew-"));
  const server = createServer();
  let child: Awaited<ReturnType<Nursery["fork"]>> | undefined;
  const dismiss = async (): Promise<void> => {
    server.close();
    killGroup(child?.pid);
    // Its folder goes once it writes no more.
    await Promise.race([child?.exited, pause(goneMs)]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const path = join(folder, "line.sock");
    server.listen(path);
    await once(server, "listening");
    const connection = once(server, "connection") as Promise<[Socket]>;
    child = await nursery.fork(path, folder);
    const lost = child.exited.then(async (exit) => nursery.lossOf(exit, await saidLast(folder)));
    const late = nursery.lossOf("none", "it did not call back in time");
    const [socket] = await Promise.race([connection, rejected(lost), after(connectMs, late)]);
    server.close();
    const broken = (): void => peer.abandon(nursery.lossOf("none", "it wrote a line that is no JSON"));
    const peer: Peer = new Peer(socket, socket, { ...listener, broken });
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
  await pause(ms);
  throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** What a lost process said last. */
async function saidLast(folder: string): Promise<string> {
  return endOf(await readFile(join(folder, "stderr.log"), "utf8").catch(() => ""));
}
