import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SharedValues, mostInline, wholeDocument } from "../../src/core/runs/values/refs.ts";

const large = fc.constantFrom(..."abc").map((letter) => letter.repeat(mostInline + 1));
const { document } = fc.letrec<{ document: unknown }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 4 },
    large,
    fc.jsonValue({ maxDepth: 1 }),
    fc.array(tie("document"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("__proto__", "refs", "$value", "0", "", "a.b"), tie("document"), { maxKeys: 4 }),
  ),
}));

describe("a document", () => {
  it("comes back as it was, with nothing large left in it, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(document, async (given) => {
        const text = JSON.stringify(given);
        const values = new SharedValues();
        const shared = values.take(JSON.parse(text));
        const stored = new Map(values.all.map((value) => [value.hash, value]));
        for (const value of stored.values()) expect(value.text.length).toBeLessThan(mostInline * 2);
        expect(JSON.stringify(shared.document).length).toBeLessThanOrEqual(mostInline * 2);
        const whole = await wholeDocument(shared, async (hash) => stored.get(hash) ?? { text: "null", refs: null });
        expect(JSON.stringify(whole)).toBe(text);
        expect(stored.size).toBeLessThanOrEqual(3);
      }),
      { numRuns: 200 },
    );
  });

  it("is looked at once, however deep its large parts stand", () => {
    let looks = 0;
    const items: unknown[] = Array.from({ length: mostInline }, () => 1);
    Object.defineProperty(items, 0, { enumerable: true, get: () => ++looks });
    const nested = Array.from({ length: 90 }).reduce<unknown>((within) => [within], items);
    const values = new SharedValues();
    expect(values.take(nested).refs).toHaveLength(1);
    expect(values.all).toHaveLength(1);
    expect(looks).toBeLessThan(5);
  });
});
