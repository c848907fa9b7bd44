import { v7 as newId } from "uuid";
import { Webhook as Signer } from "standardwebhooks";
import type { RunContext, RunEventBody, RunRequest, Viewer } from "#weftline";
import { agents, auth, capabilities, models, simulated, webhooks } from "../../../src/plugins/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform, type TestPlatformOptions } from "../../../src/testing/index.ts";
import { localServer, type LocalServer } from "../../outgoing/servers.ts";

export const viewers = { ada: testViewer("ada"), bob: testViewer("bob"), admin: testViewer("admin", { roles: ["admin"] }) };

type Options = NonNullable<Parameters<typeof webhooks>[0]>;

/** Does what the run is told: fails, asks, waits to be cancelled, or says what it was given. */
async function* turn({ messages }: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  const told = JSON.stringify(messages);
  if (told.includes("please fail")) throw new Error("as told");
  if (told.includes("please ask")) await ctx.ask({ kind: "INPUT", key: "colour", message: "Which colour?", allowed: ["ANSWER"] });
  if (told.includes("please wait")) await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
  yield* sayText(`given ${told}`);
}

/** The auth plugin with the viewers above, who prove themselves by their ids. */
export const authPlugin = (...who: readonly Viewer[]) =>
  auth({
    viewers: who.map(({ actorId, tenantId, roles }) => ({
      token: `token-of-${actorId}`,
      id: actorId,
      tenant: tenantId,
      roles: [...roles],
    })),
  });

/** A platform with webhooks, which may call this machine, and ada's agent `worker`. */
export async function webhooksPlatform(options: Options = {}, rest: Partial<TestPlatformOptions> = {}): Promise<TestPlatform> {
  const { plugins = [], ...host } = rest;
  const app = await testPlatform({
    plugins: [
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      fakeRuntime({ turn }),
      webhooks({ retryMs: [20, 20], ...options }),
      plugins,
    ],
    outgoing: { allow: ["127.0.0.0/8"] },
    ...host,
  });
  await app.graphql(
    "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }",
    { input: { name: "worker", framework: "fake" } },
    viewers.ada,
  );
  return app;
}

/** Whatever comes of a mutation: its payload, or an error. */
export interface Outcome {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[];
  readonly signingSecret?: string;
  readonly webhook?: Shown;
  readonly delivery?: Delivery;
}

export interface Shown {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly reason: string | null;
  readonly lastUsedAt?: string | null;
}

export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly status: string;
  readonly attempts: number;
  readonly responseStatus: number | null;
  readonly error: string | null;
  readonly deliveredAt: string | null;
  readonly nextAttemptAt: string | null;
}

const failure = "... on UserError { code message path }";
const shown = "id name url enabled reason";
const delivered = "id event status attempts responseStatus error deliveredAt nextAttemptAt";
const documents = {
  createInboundWebhook: `mutation ($input: CreateInboundWebhookInput!) { it: createInboundWebhook(input: $input) { __typename ... on CreateInboundWebhookPayload { signingSecret webhook { ${shown} lastUsedAt target { name } } } ${failure} } }`,
  updateInboundWebhook: `mutation ($input: UpdateInboundWebhookInput!) { it: updateInboundWebhook(input: $input) { __typename ... on UpdateInboundWebhookPayload { webhook { ${shown} lastUsedAt } } ${failure} } }`,
  createWebhook: `mutation ($input: CreateWebhookInput!) { it: createWebhook(input: $input) { __typename ... on CreateWebhookPayload { signingSecret webhook { ${shown} } } ${failure} } }`,
  updateWebhook: `mutation ($input: UpdateWebhookInput!) { it: updateWebhook(input: $input) { __typename ... on UpdateWebhookPayload { webhook { ${shown} } } ${failure} } }`,
  removeInboundWebhook: `mutation ($id: ID!) { it: removeInboundWebhook(webhook: $id) { __typename ${failure} } }`,
  removeWebhook: `mutation ($id: ID!) { it: removeWebhook(webhook: $id) { __typename ${failure} } }`,
  rotateSigningSecret: `mutation ($id: ID!) { it: rotateSigningSecret(webhook: $id) { __typename ... on RotateSigningSecretPayload { signingSecret } ${failure} } }`,
  redeliverWebhook: `mutation ($id: ID!) { it: redeliverWebhook(delivery: $id) { __typename ... on RedeliverWebhookPayload { delivery { ${delivered} } } ${failure} } }`,
};

/** Calls a mutation of webhooks: with an input, or with the id that it names. */
export async function change(
  app: TestPlatform,
  mutation: keyof typeof documents,
  given: string | Readonly<Record<string, unknown>>,
  viewer: Viewer = viewers.ada,
): Promise<Outcome> {
  const variables = typeof given === "string" ? { id: given } : { input: given };
  return (await app.graphql<{ it: Outcome }>(documents[mutation], variables, viewer)).it;
}

/** A webhook that was made, with its secret. */
export interface Made extends Shown {
  readonly secret: string;
}

export async function makeInbound(app: TestPlatform, input: Readonly<Record<string, unknown>> = {}): Promise<Made> {
  const outcome = await change(app, "createInboundWebhook", { name: "deploys", target: { agent: { name: "worker" } }, ...input });
  return madeOf(outcome);
}

export async function makeWebhook(app: TestPlatform, input: Readonly<Record<string, unknown>>, viewer?: Viewer): Promise<Made> {
  return madeOf(
    await change(app, "createWebhook", { name: "told", events: ["RUN_SUCCEEDED", "RUN_FAILED", "RUN_CANCELLED"], ...input }, viewer),
  );
}

function madeOf({ webhook, signingSecret, ...rest }: Outcome): Made {
  if (!webhook || signingSecret === undefined) throw new Error(JSON.stringify(rest));
  return { ...webhook, secret: signingSecret };
}

export const one = async <T>(
  app: TestPlatform,
  id: string,
  typeName: string,
  fields: string,
  viewer: Viewer = viewers.ada,
): Promise<T | null> =>
  (await app.graphql<{ node: T | null }>(`query ($id: ID!) { node(id: $id) { ... on ${typeName} { ${fields} } } }`, { id }, viewer)).node;

export async function deliveriesOf(app: TestPlatform, webhook: string, viewer: Viewer = viewers.ada): Promise<readonly Delivery[]> {
  const fields = `deliveries(first: 100) { nodes { ${delivered} } }`;
  return (await one<{ deliveries: { nodes: Delivery[] } }>(app, webhook, "Webhook", fields, viewer))?.deliveries.nodes ?? [];
}

/** Starts a run of ada's worker, or of another viewer with it. */
export async function start(app: TestPlatform, text: string, viewer: Viewer = viewers.ada): Promise<string> {
  const mutation = "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } } }";
  const input = { target: { agent: { name: "worker" } }, text };
  return (await app.graphql<{ startRun: { run: { id: string } } }>(mutation, { input }, viewer)).startRun.run.id;
}

/** What a call of an inbound webhook is made of; whatever is left out is right. */
export interface Call {
  readonly secret: string;
  readonly body?: string | Uint8Array;
  readonly id?: string;
  /** Seconds from now. */
  readonly age?: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export async function call(app: TestPlatform, path: string, { secret, body = "{}", id = `msg_${newId()}`, age = 0, headers = {} }: Call) {
  const at = new Date(Date.now() - age * 1_000);
  const signed = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Signer(secret).sign(id, at, Buffer.from(body)),
    ...headers,
  };
  const present = Object.fromEntries(Object.entries(signed).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const response = await fetch(new URL(path, app.url), { method: "POST", headers: present, body: body as BodyInit });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: JSON.parse(text) as { run?: string; errors?: { message: string; extensions: { code: string } }[] },
  };
}

/** An address that is told, and answers as a test says; 204 by default. A port may have been another webhook's: only its own path counts. */
export async function listeningAddress(
  answer: () => number | Promise<number> = () => 204,
): Promise<AsyncDisposable & Pick<LocalServer, "seen"> & { readonly url: string }> {
  const path = `/${newId()}?a=b`;
  const server = await localServer(async (request, response) => {
    response.writeHead(request.url === path ? await answer() : 204).end("thanks");
  });
  return {
    get seen() {
      return server.seen.filter(({ url }) => url === path);
    },
    url: `http://127.0.0.1:${server.port}${path}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
