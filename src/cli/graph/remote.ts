import { WeftlineClientError, createWeftlineClient } from "../../client/index.ts";
import type { CliFollow, CliGraph } from "../../core/commands.ts";
import { WeftlineError, messageOf } from "../../core/errors.ts";

/** A graph to be closed. */
export interface OpenGraph {
  readonly graph: CliGraph;
  close(): void;
}

const tokenFix = "Pass a token that the server knows: --token, or WEFTLINE_TOKEN.";

/**
 * The graph of a server.
 *
 * @throws INVALID_INPUT where the address is none.
 */
export function remoteGraph(url: string, token: string | undefined): OpenGraph {
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== "http:" && protocol !== "https:")
    throw new WeftlineError("INVALID_INPUT", {
      message: `"${url}" is not the address of a server.`,
      fix: "Pass its graph, as in --url http://127.0.0.1:4400/graphql",
    });
  const followers = new Set<NonNullable<CliFollow<unknown>["onConnection"]>>();
  const client = createWeftlineClient({
    url,
    ...(token === undefined ? {} : { token }),
    onConnection: (state) => followers.forEach((tell) => tell(state)),
  });
  return {
    graph: {
      url,
      request: async <Data>(query: string, variables: Readonly<Record<string, unknown>> = {}) => {
        try {
          return await client.request<Data>(query, variables);
        } catch (error) {
          if (!(error instanceof WeftlineClientError)) throw error;
          if (error.code === "UNAUTHENTICATED") throw new WeftlineError("UNAUTHENTICATED", { fix: tokenFix }, { cause: error });
          if (error.code !== "CONNECTION") throw error;
          throw new WeftlineError(
            "UNAVAILABLE",
            { what: `The graph at ${url}`, reason: error.message, fix: "Start the server, or leave --url out." },
            { cause: error },
          );
        }
      },
      fetch: async (path, init) => {
        const address = new URL(path, url);
        // The token is for this server alone.
        const isOwn = address.origin === new URL(url).origin;
        return reached(url, () => fetch(address, { ...init, headers: headersOf(isOwn ? token : undefined, init) }));
      },
      follow: (query, { onConnection, signal, ...options }) => {
        if (onConnection) followers.add(onConnection);
        if (onConnection) signal?.addEventListener("abort", () => followers.delete(onConnection), { once: true });
        return client.follow(query, { ...options, ...(signal && { signal }) });
      },
    },
    close: () => client.close(),
  };
}

/** The headers of a call, with the token. */
export function headersOf(token: string | undefined, init: RequestInit | undefined): Headers {
  const headers = new Headers(init?.headers);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return headers;
}

async function reached<T>(url: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const fix = "Start the server, or leave --url out.";
    throw new WeftlineError("UNAVAILABLE", { what: `The server at ${url}`, reason: messageOf(error), fix }, { cause: error });
  }
}
