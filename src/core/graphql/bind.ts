import { createServer } from "node:net";
import { WeftlineError, messageOf } from "../errors.ts";
import type { admission } from "./authenticate.ts";
import { isLoopbackName } from "./origins.ts";

/** Where a server is asked to listen; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** @throws BIND_WITHOUT_AUTH for an address that others reach, where callers need no credentials. */
export function checkBind({ host }: Pick<ListenAddress, "host">, admits: ReturnType<typeof admission>): void {
  if (admits !== "credentials" && !isLoopbackName(host)) throw new WeftlineError("BIND_WITHOUT_AUTH", { host });
}

/**
 * Tries an address before anything begins that would have to be stopped again.
 *
 * @throws ADDRESS_IN_USE or ADDRESS_UNUSABLE
 */
export async function tryAddress(address: ListenAddress): Promise<void> {
  const probe = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (error) => reject(listenError(error, address)));
    probe.listen({ ...address, exclusive: true }, resolve);
  });
  await new Promise((resolve) => probe.close(resolve));
}

export function listenError(error: NodeJS.ErrnoException, { host, port }: ListenAddress): Error {
  if (error.code === "EADDRINUSE") return new WeftlineError("ADDRESS_IN_USE", { host, port }, { cause: error });
  return new WeftlineError("ADDRESS_UNUSABLE", { host, problem: messageOf(error) }, { cause: error });
}
