import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { globalId } from "../../core/graphql/ids.ts";
import { chat, files } from "../../plugins/index.ts";
import { filesService } from "../../plugins/files/contract.ts";
import { beginStream, plainAnswers, providerServer, type ProviderServer } from "../provider-server.ts";
import { defaultViewer } from "../viewers.ts";
import type { CheckSource } from "./check.ts";
import { declared } from "./features.ts";
import { Stage, ended, said, type RuntimeUnderTest } from "./stage.ts";

/** The smallest picture there is. */
const picture = Buffer.from("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==", "base64");

/** Whether a runtime takes a file of a message, or is never asked because it says that it takes none. */
export function fileChecksOf(runtime: RuntimeUnderTest): CheckSource[] {
  const { model = "responses" } = runtime;
  return [
    {
      name: "shows the model a picture of the conversation, or the run is refused with FILE_UNSUPPORTED",
      exercises: ["files"],
      run: async (saw) => {
        const api = model === "chat" ? "chat" : "responses";
        await using server = await answering(api);
        const binding = { baseURL: server.baseURL, apiKey: "conformance", api, defaultModel: "model" } as const;
        const onTheWire = model === "chat" || model === "responses" ? { bindings: { provider: binding } } : {};
        await using stage = await Stage.set(runtime, { ...onTheWire, tools: "none", more: () => [chat(), files()] });
        const run = await stage.until(await sendPicture(stage), ended);
        if (!declared(stage, runtime).files) {
          assert.deepEqual([run.status, run.failure?.code], ["FAILED", "FILE_UNSUPPORTED"], JSON.stringify(run.failure));
          assert.equal(run.usage.modelCalls, 0, "the model is not asked");
          assert.equal(server.seen.length, 0, "the model is not asked");
          return saw("files", "absent");
        }
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        if (onTheWire.bindings)
          assert.ok(JSON.stringify(server.seen[0]?.body).includes(picture.toString("base64")), "the model is shown the picture");
        // The simulated model says what it was shown.
        if (model === "simulated") assert.match(run.text ?? "", new RegExp(`image/gif, ${picture.length} bytes`));
        saw("files", "at work");
      },
    },
  ];
}

function answering(api: "responses" | "chat"): Promise<ProviderServer> {
  const { begin, text, end, done } = plainAnswers[api];
  return providerServer((response) => {
    beginStream(response);
    response.end(begin + text("Seen.") + end + done);
  });
}

/** @returns the id of the run that answers. */
async function sendPicture(stage: Stage): Promise<string> {
  const { platform } = stage.app;
  const scope = platform.scope(defaultViewer);
  const service = platform.use(filesService);
  const { id } = await service.create(scope, { name: "dot.gif", mediaType: "image/gif", size: picture.length });
  await service.upload(scope, id, { body: Readable.from([picture]) });
  const thread = await stage.mutate(
    "mutation ($input: CreateThreadInput!) { result: createThread(input: $input) { ... on CreateThreadPayload { made: thread { id } } ... on UserError { message } } }",
    { input: { agent: { name: "actor" } } },
  );
  return stage.mutate(
    "mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessagePayload { made: run { id } } ... on UserError { message } } }",
    { input: { thread, parts: [{ text: said.hello }, { file: globalId("File", id) }] } },
  );
}
