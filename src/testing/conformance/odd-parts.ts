import { beginStream, namedEvent, plainAnswers, type Behaviour } from "../provider-server.ts";
import type { WireCase } from "./wire.ts";

const becomes = { text: "All of it." };
const { begin } = plainAnswers.responses;

function streams(...events: readonly string[]): Behaviour {
  return (response) => {
    beginStream(response);
    response.end(events.join(""));
  };
}

const text = (said: unknown, more: object = {}) => ({ type: "output_text", text: said, annotations: null, ...more });
const hologram = { type: "hologram", data: "4d", annotations: null };
const message = (content: unknown, more: object = {}) => ({ type: "message", role: "assistant", content, ...more });
const all = message([text("All of it.")]);
const pieces = [text("All "), text("of it.")] as const;

const delta = (said: unknown, places: object = { output_index: 0, content_index: 0 }): string =>
  namedEvent({ type: "response.output_text.delta", ...places, delta: said });
const textDone = (said: unknown, places: object = { output_index: 0, content_index: 0 }): string =>
  namedEvent({ type: "response.output_text.done", ...places, text: said });
const itemDone = (item: unknown, places: object = { output_index: 0 }): string =>
  namedEvent({ type: "response.output_item.done", ...places, item });
const completed = (output: unknown = [], more: object = {}): string =>
  namedEvent({ type: "response.completed", response: { id: "r", status: "completed", output, usage: null, ...more } });

const second = { output_index: 0, content_index: 1 };
const third = { output_index: 0, content_index: 2 };

/** Content that stands in the end of an answer alone. */
const contents: Readonly<Record<string, unknown>> = {
  "several parts of text": pieces,
  "a part of an unknown kind between those of text": [pieces[0], hologram, null, pieces[1]],
  "a part whose text is null": [text(null), text("All of it.")],
  "a part that refuses": [{ type: "refusal", refusal: "All of it." }],
  "a part that is a text": ["All ", pieces[1]],
  "a text in place of parts": "All of it.",
  "one part in place of a list": text("All of it."),
  "a text that is an object": [text({ value: "All of it.", annotations: [] })],
};

/** Texts whose deltas, and what repeats them, do not fit together. */
const told: Readonly<Record<string, readonly string[]>> = {
  "several parts of text": [delta("All "), delta("of it.", second), itemDone(message(pieces)), completed([message(pieces)])],
  "a part of an unknown kind between those of text": [
    delta("All "),
    delta("of it.", third),
    itemDone(message([pieces[0], null, pieces[1]])),
    completed([message([pieces[0], hologram, pieces[1]])]),
  ],
  "several messages": [
    delta("All "),
    delta("of it.", { output_index: 1, content_index: 0 }),
    completed([message([pieces[0]]), message([pieces[1]])]),
  ],
  "deltas without an index": [delta("All ", {}), delta("of it.", {}), textDone("All of it.", {}), itemDone(all, {}), completed([all])],
  "deltas without the index of their part": [
    delta("All of it.", { output_index: 0 }),
    textDone("All of it.", { output_index: 0 }),
    itemDone(all),
    completed([all]),
  ],
  "deltas named by their item alone": [
    namedEvent({ type: "response.output_item.added", item: message([], { id: "m" }) }),
    delta("All ", { item_id: "m", content_index: 0 }),
    delta("of it.", { item_id: "m", content_index: 0 }),
    itemDone(message([text("All of it.")], { id: "m" }), {}),
    completed([all]),
  ],
  "deltas that give all parts one index": [
    delta("All "),
    delta("of it."),
    textDone("All "),
    textDone("of it.", second),
    itemDone(message(pieces)),
    completed([message(pieces)]),
  ],
  "indexes that count from one": [
    delta("All of it.", { output_index: 1, content_index: 1 }),
    textDone("All of it.", { output_index: 1, content_index: 1 }),
    itemDone(all, { output_index: 1 }),
    completed([all]),
  ],
  "indexes that are none": [delta("All of it.", { output_index: null, content_index: "first" }), itemDone(all), completed([all])],
  "deltas that are null and deltas that are objects": [
    delta(null),
    delta({ text: "All " }),
    delta(undefined),
    delta(["of it."]),
    completed(),
  ],
  "a text whose last word comes with its end": [delta("All of"), textDone("All of it."), completed([all])],
  "a text whose end is another": [delta("All of it."), textDone("Or so."), itemDone(message([text("Or so.")])), completed()],
  "a text whose end is null": [delta("All of it."), textDone(null), itemDone(message(null)), completed(null)],
  "a part whose last word comes with the end of the answer": [delta("All "), completed([all])],
  "a part that comes with the end of the answer": [delta("All "), textDone("All "), completed([message(pieces)])],
  "a message that comes with the end of the answer": [
    delta("All "),
    itemDone(message([pieces[0]])),
    completed([message([pieces[0]]), message([pieces[1]])]),
  ],
  "a text that comes at its end alone": [textDone("All of it."), completed()],
  "a part that comes at its end alone": [
    namedEvent({ type: "response.content_part.done", output_index: 0, content_index: 0, part: text("All of it.") }),
    completed(),
  ],
  "messages that come at their ends alone, without an index": [
    itemDone(message([pieces[0]]), {}),
    itemDone(message([pieces[1]]), {}),
    completed(),
  ],
  "a text that the answer holds beside its output": [completed([], { output_text: "All of it." })],
};

/** Text in the parts of which an answer of the Responses API is made, in shapes that they should not have. */
export const oddParts: readonly WireCase[] = [
  ...Object.entries(contents).map(([name, content]) => ({
    name: `an end that alone holds ${name}`,
    becomes,
    behave: streams(completed([message(content)])),
  })),
  ...Object.entries(told).map(([name, events]) => ({ name, becomes, behave: streams(begin, ...events) })),
  {
    name: "tokens that are counted and text that is nowhere",
    becomes: { code: "PROVIDER_FAILED", asked: "again" },
    behave: streams(completed([message([text(null), hologram])], { usage: { input_tokens: 1, output_tokens: 9 } })),
  },
];
