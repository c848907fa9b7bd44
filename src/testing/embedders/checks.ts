import assert from "node:assert/strict";
import { WeftlineError } from "../../core/errors.ts";
import type { Embedder } from "../../plugins/memory/contract.ts";
import type { EmbedderCheck, EmbedderUnderTest } from "./under-test.ts";

const plain = ["The door is red.", "Rain falls on the harbour.", "She plays the violin.", "Tea is cheaper than coffee."];
/** What people and models write: none of it ends the embedder, nor mixes up the others of its batch. */
const odd = [
  "",
  " \n\t",
  "🧶🪡",
  "a\u0000b",
  "\ud800 alone",
  "שלום עולם",
  "x".repeat(8_000),
  "漢字".repeat(2_000),
  "e\u0301\u0301\u0301",
  "-- '; drop",
];
/** How long an embedder may go on after nobody waits for it, in milliseconds. */
const leaveMs = 5_000;

/** The checks of an embedder. */
export function embedderChecks(subject: EmbedderUnderTest): readonly EmbedderCheck[] {
  const check = (name: string, run: (embedder: Embedder) => Promise<void>): EmbedderCheck => ({
    name,
    run: async () => {
      const embedder = await subject.create();
      try {
        await run(embedder);
      } finally {
        embedder.close?.();
      }
    },
  });
  return [
    check("says what makes its vectors comparable, and that it is ready", async (embedder) => {
      assert.match(embedder.id, /^[a-z][a-z0-9.-]*$/, "its id is a name in small letters");
      assert.ok(Number.isInteger(embedder.dimensions) && embedder.dimensions >= 2 && embedder.dimensions <= 4_096, "2 to 4,096 dimensions");
      assert.notEqual(embedder.version, "");
      assert.equal(((await embedder.status?.()) ?? { state: "READY" }).state, "READY");
    }),
    check("gives each text a vector of its dimensions, in their order", async (embedder) => {
      const together = await vectorsOf(embedder, plain);
      for (const [at, text] of plain.entries()) assert.ok(cosine(together[at], (await vectorsOf(embedder, [text]))[0]) > 0.999, text);
      const turned = await vectorsOf(embedder, plain.toReversed());
      for (const [at, vector] of turned.toReversed().entries()) assert.ok(cosine(together[at], vector) > 0.999, plain[at]);
      assert.ok(cosine(together[0], together[1]) < 0.999, "other texts have other vectors");
    }),
    check("gives no vector for no text", async (embedder) => {
      assert.deepEqual(await vectorsOf(embedder, []), []);
    }),
    check("takes a hundred texts, and leaves its caller's list as it is", async (embedder) => {
      const texts = Object.freeze(Array.from({ length: 100 }, (_, at) => `${plain[at % plain.length]} It is the fact number ${at}.`));
      const vectors = await vectorsOf(embedder, texts);
      assert.ok(cosine(vectors[77], (await vectorsOf(embedder, [texts[77] ?? ""]))[0]) > 0.999);
    }),
    ...odd.map((text) =>
      check(`takes ${shown(text)}, or refuses it as INVALID_INPUT, and is none the worse for it`, async (embedder) => {
        const before = (await vectorsOf(embedder, plain.slice(0, 1)))[0];
        const outcome = await vectorsOf(embedder, [plain[1] ?? "", text, plain[2] ?? ""]).catch((error: unknown) => error);
        if (!Array.isArray(outcome)) assert.ok(outcome instanceof WeftlineError && outcome.code === "INVALID_INPUT", String(outcome));
        assert.ok(cosine((await vectorsOf(embedder, plain.slice(0, 1)))[0], before) > 0.999);
      }),
    ),
    check("answers each of many callers at once with what is theirs", async (embedder) => {
      const alone = await vectorsOf(embedder, plain);
      const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => vectorsOf(embedder, [plain[at % plain.length] ?? ""])));
      for (const [at, [vector]] of answers.entries()) assert.ok(cosine(vector, alone[at % plain.length]) > 0.999);
    }),
    check("begins nothing for a caller who has left, and ends soon after one leaves", async (embedder) => {
      await assert.rejects(embedder.embed(plain, AbortSignal.abort(new Error("left"))));
      const leaving = new AbortController();
      const work = Promise.resolve(embedder.embed(plain, leaving.signal)).then(
        () => undefined,
        () => undefined,
      );
      leaving.abort(new Error("left"));
      const late = Symbol("late");
      const timer = Promise.withResolvers<typeof late>();
      const timeout = setTimeout(timer.resolve, leaveMs, late);
      assert.notEqual(await Promise.race([work, timer.promise]), late, "it goes on though nobody waits");
      clearTimeout(timeout);
      await vectorsOf(embedder, plain.slice(0, 1));
    }),
    check("may be asked again after it was closed", async (embedder) => {
      const [before] = await vectorsOf(embedder, plain.slice(0, 1));
      embedder.close?.();
      assert.ok(cosine((await vectorsOf(embedder, plain.slice(0, 1)))[0], before) > 0.999);
    }),
    ...unavailableChecks(subject),
  ];
}

function unavailableChecks({ unavailable, secrets = [] }: EmbedderUnderTest): readonly EmbedderCheck[] {
  if (!unavailable) return [];
  return [
    {
      name: "says UNAVAILABLE where it cannot embed now, without a secret and without the text",
      run: async () => {
        const embedder = await unavailable();
        const error = await vectorsOf(embedder, ["The vault opens with indigo."]).catch((thrown: unknown) => thrown);
        embedder.close?.();
        assert.ok(error instanceof WeftlineError && error.code === "UNAVAILABLE", String(error));
        const told = `${error.stack} ${String(error.cause)} ${JSON.stringify(error.details)} ${error.fix}`;
        for (const secret of [...secrets, "indigo"]) assert.ok(!told.includes(secret), "it tells a secret");
      },
    },
  ];
}

/** The vectors of texts, held against what every embedder promises. */
async function vectorsOf({ embed, dimensions }: Embedder, texts: readonly string[]): Promise<readonly Float32Array[]> {
  const vectors = await embed(texts, new AbortController().signal);
  assert.equal(vectors.length, texts.length, "a vector for each text");
  for (const vector of vectors) {
    assert.ok(vector instanceof Float32Array, "a vector is a Float32Array");
    assert.equal(vector.length, dimensions);
    assert.ok(vector.every(Number.isFinite), "a vector has finite numbers");
  }
  return vectors;
}

function cosine(one: Float32Array | undefined, other: Float32Array | undefined): number {
  if (!one || !other) return Number.NaN;
  let [dot, left, right] = [0, 0, 0];
  for (const [at, value] of one.entries()) {
    const against = other[at] ?? 0;
    dot += value * against;
    left += value * value;
    right += against * against;
  }
  return left === 0 || right === 0 ? Number(left === right) : dot / Math.sqrt(left * right);
}

function shown(text: string): string {
  return text.length > 20 ? `${text.length} characters of ${JSON.stringify(text.slice(0, 2))}` : JSON.stringify(text.toWellFormed());
}
