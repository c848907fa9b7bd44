import type { ExecutionResult } from "graphql";
import { clientError, type ServerError } from "../../client/errors.ts";
import type { CliFollow, CliGraph } from "../../core/commands.ts";
import type { Viewer } from "../../core/database/viewer.ts";
import { WeftlineError } from "../../core/errors.ts";
import { authenticate } from "../../core/graphql/authenticate.ts";
import type { Platform } from "../../core/platform.ts";
import { headersOf } from "./remote.ts";

/**
 * The graph of a host in this process, for the viewer that its authenticators make of the token or, without one, of a caller on this machine.
 *
 * @throws UNAUTHENTICATED
 */
export async function localGraph(platform: Platform, token: string | undefined): Promise<CliGraph> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const viewer = await authenticate(platform.host, { headers, connectionParams: {}, address: "127.0.0.1" });
  if (!viewer) throw new WeftlineError("UNAUTHENTICATED", { fix: "Pass a token that this host knows: --token, or WEFTLINE_TOKEN." });
  let listening: ReturnType<Platform["listen"]> | undefined;
  return {
    url: undefined,
    request: async <Data>(query: string, variables: Readonly<Record<string, unknown>> = {}) =>
      dataOf(await platform.execute<Data>({ query, variables, viewer })),
    fetch: async (path, init) => {
      const { url } = await (listening ??= platform.listen());
      return fetch(new URL(path, url), { ...init, headers: headersOf(token, init) });
    },
    follow: (query, options) => follow(platform, viewer, query, options),
  };
}

async function* follow<Data>(
  platform: Platform,
  viewer: Viewer,
  query: string,
  { variables, after = null, signal }: CliFollow<Data>,
): AsyncGenerator<Data, undefined> {
  if (signal?.aborted) return;
  const events = await platform.subscribe<Data>({ query, variables: { ...variables, after }, viewer });
  if (!(Symbol.asyncIterator in events)) {
    dataOf(events);
    return;
  }
  const leave = (): void => void events.return?.();
  signal?.addEventListener("abort", leave, { once: true });
  try {
    for await (const event of events) yield dataOf(event);
  } finally {
    signal?.removeEventListener("abort", leave);
  }
}

function dataOf<Data>({ data, errors = [] }: ExecutionResult<Data>): Data {
  if (errors.length === 0 && data != null) return data;
  throw clientError(errors as readonly ServerError[]);
}
