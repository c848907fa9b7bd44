import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { providerServer, type Behaviour, type ProviderServer } from "../provider-server.ts";
import { scriptedFetch } from "../script-model.ts";
import { script } from "./stage.ts";

/**
 * The suite's model on a server of its own, so that what it is asked can be read.
 *
 * @param instead what happens in the place of its answer to the n-th request, from 1.
 * @param answers what it does otherwise.
 */
export function scriptedServer(instead: (n: number) => Behaviour | undefined = () => undefined, answers = script): Promise<ProviderServer> {
  const answer = scriptedFetch(answers, 0);
  let requests = 0;
  return providerServer(async (response, request) => {
    const meddled = instead(++requests);
    if (meddled) return meddled(response, request);
    const { path, body } = request;
    const { status, headers, body: stream } = await answer(`http://script.invalid${path}`, { method: "POST", body: JSON.stringify(body) });
    response.writeHead(status, Object.fromEntries(headers));
    if (stream) await pipeline(Readable.fromWeb(stream as ReadableStream), response);
  });
}
