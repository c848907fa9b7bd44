import { RateLimiterMemory } from "rate-limiter-flexible";
import { WeftlineError, globalId, type OpenRoute } from "#weftline";
import type { InboundWebhook } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { BodyReader } from "./body.ts";
import { findEnabled, unknownWebhook } from "./find.ts";
import { receive } from "./receive.ts";
import { checkHeaders, verify } from "./signature.ts";

/** The first part of the path of every inbound webhook. */
export const routeName = "webhooks";

/** Where a webhook is called, as a path of the server. */
export function urlOf({ id }: Pick<InboundWebhook, "id">): string {
  return `/${routeName}/${id}`;
}

/** `POST /webhooks/<id>`: a call that is signed starts a run, and is answered 202 with the run's id. */
export function createInboundRoute(host: WebhooksHost): OpenRoute {
  const bodies = new BodyReader(host.config);
  const calls = new RateLimiterMemory({ points: host.config.callsPerMinute, duration: 60 });
  return {
    methods: ["POST"],
    async handle({ path: [id = "", ...rest], headers, body, requestId, signal }) {
      if (rest.length > 0) throw unknownWebhook();
      await findEnabled(host, id);
      // Nothing of a body is read that cannot be right.
      const signed = checkHeaders(headers, Date.now());
      const text = await bodies.read(body, headers["content-length"], signal);
      // It may have been disabled, or its secret replaced, while the body arrived.
      const webhook = await findEnabled(host, id);
      await verify(host, webhook, signed, text);
      await calls.consume(webhook.id).catch(tooMany);
      const run = await receive(host, webhook, { messageId: signed["webhook-id"], text, requestId });
      return {
        status: 202,
        headers: { "content-type": "application/json; charset=utf-8" },
        body: JSON.stringify({ run: globalId("Run", run) }),
      };
    },
  };
}

/** The limiter throws what it counted. */
function tooMany(counted: { readonly msBeforeNext: number }): never {
  throw new WeftlineError("RATE_LIMITED", { what: "calls of this webhook", retryAfterMs: Math.max(1, Math.ceil(counted.msBeforeNext)) });
}
