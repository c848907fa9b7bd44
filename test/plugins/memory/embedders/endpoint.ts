import { contribution, definePlugin } from "#weftline";
import { modelBindings } from "#plugins/models";
import { lexicalEmbedder } from "../../../../src/plugins/memory/embedders/lexical.ts";
import { providerServer, respondJson, type Behaviour, type ProviderServer, type SeenRequest } from "../../../../src/testing/index.ts";

/** In all that is asked of the endpoint: it may be read nowhere. */
export const key = "sk-embedding-secret-4711";
export const dimensions = 384;

/** A server that speaks OpenAI's protocol of embeddings. */
export interface Endpoint extends ProviderServer {
  /** What it does with requests from now on; nothing lets it answer as it should. */
  behave: Behaviour | undefined;
  /** The texts of each request so far. */
  readonly asked: readonly (readonly string[])[];
  /** The binding `house` that leads to it. */
  readonly plugin: ReturnType<ReturnType<typeof bindingTo>>;
}

export type Item = { readonly index?: unknown; readonly embedding: unknown };

/** The right answer to texts. */
export async function items(texts: readonly string[]): Promise<Item[]> {
  const vectors = await lexicalEmbedder.embed(texts, new AbortController().signal);
  return vectors.map((vector, index) => ({ index, embedding: [...vector] }));
}

export function textsOf(body: Readonly<Record<string, unknown>>): readonly string[] {
  return body["input"] as readonly string[];
}

/** Answers with what becomes of the right items. */
export function answering(change: (right: readonly Item[]) => unknown): Behaviour {
  return async (response, request) =>
    respondJson(200, { object: "list", data: change(await items(textsOf(request.body))) })(response, request);
}

export async function endpoint(): Promise<Endpoint> {
  const right = answering((all) => all);
  const isAsked = ({ path }: Pick<SeenRequest, "path">): boolean => path === "/v1/embeddings";
  const server = await providerServer((response, request) =>
    (isAsked(request) ? (made.behave ?? right) : respondJson(200, { data: [] }))(response, request),
  );
  const made: Endpoint = {
    ...server,
    behave: undefined,
    get seen() {
      return server.seen.filter(isAsked);
    },
    get asked() {
      return made.seen.map(({ body }) => textsOf(body));
    },
    plugin: bindingTo(server.baseURL)(),
  };
  return made;
}

function bindingTo(baseURL: string) {
  const binding = {
    provider: "house",
    provenance: "LIVE",
    api: "chat",
    baseURL,
    apiKey: () => key,
    timeoutMs: 2_000,
    models: ["meaning-1", "meaning-2"],
    otherModels: "refused",
  } as const;
  return definePlugin({ id: "house", contributes: [contribution(modelBindings, "house", binding)] });
}
