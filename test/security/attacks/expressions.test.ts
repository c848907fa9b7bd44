import { describe, expect, it } from "vitest";
import { loadExpressions } from "#weftline";

const { compile } = loadExpressions("any");
const many = Array.from({ length: 3_000 }, (_, at) => at);
const backtracking = 's.matches("^(a+)+$")';
const stuck = { s: `${"a".repeat(60)}!` };

describe("expressions of callers", () => {
  it("are evaluated at once where they are small, and beside the main thread where that may take long", async () => {
    const small = { s: "ab", items: [1, 2], state: { n: 1, rest: "x".repeat(1_000_000) } };
    const large = { ...small, s: "ab".repeat(5_000), items: many };
    for (const source of ["items == [1, 2]", "2 in items", 's.contains("ab")', "s + s", "size(s) > 1"]) {
      expect([source, compile(source).evaluate(small, "ada")]).not.toEqual([source, expect.any(Promise)]);
      expect([source, compile(source).evaluate(large, "ada")]).toEqual([source, expect.any(Promise)]);
    }
    for (const source of ["items.exists(x, x > 1)", 's.matches("^a")', 'items.map(x, x * 2) == [2, 4] || s == "a"'])
      expect([source, compile(source).evaluate(small, "ada")]).toEqual([source, expect.any(Promise)]);
    // What it does not read counts for nothing.
    expect(compile("state.n == 1").evaluate(small, "ada")).toBe(true);
    expect(compile("has(state.missing)").evaluate(small, "ada")).toBe(false);
  });

  it("have the same value there", async () => {
    const values = { n: 7, items: [1, 2.5, "x", null], state: { deep: { a: [true] } }, s: "ab" };
    // A pattern has an expression evaluated beside the main thread.
    const beside = (source: string): unknown => compile(`s.matches("a") ? dyn(${source}) : dyn(null)`).evaluate(values, "ada");
    for (const source of ["n + 1", "n + 0.5", "items", "state", "state.deep.a", "{1: n}", 'timestamp("2026-01-01T00:00:00Z")', "null"]) {
      const value = await compile(source).evaluate(values, "ada");
      expect(value).toEqual(JSON.parse(JSON.stringify(value)));
      expect([source, await beside(source)]).toEqual([source, value]);
    }
    await expect(beside("state.none")).rejects.toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining("No such key") });
  });

  it.each([
    ["3u", 3],
    ["[uint(7)]", [7]],
    ["b'abc'", "YWJj"],
    ["{'d': duration('90.5s')}", { d: "PT90.5S" }],
    ["duration('-1m')", "-PT60S"],
    ["9007199254740991", 9_007_199_254_740_991],
  ])("give JSON whatever CEL calls the type of %s", async (source, value) => {
    expect(await compile(source).evaluate({}, "ada")).toEqual(value);
  });

  it.each([
    ["9223372036854775807", "the whole number 9223372036854775807"],
    ["{'n': 18446744073709551615u}", "the whole number 18446744073709551615"],
    ["n + n", "the whole number 18014398509481982"],
    ["1.0 / 0.0", "Infinity"],
    ["[0.0 / 0.0]", "NaN"],
    ["type(1)", "a type"],
  ])("fail with words where JSON has none for %s", async (source, words) => {
    const evaluated = async (): Promise<unknown> => compile(source).evaluate({ n: 9_007_199_254_740_991 }, "ada");
    await expect(evaluated()).rejects.toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining(words) });
  });

  it("that take too long fail with a code of their own, and callers have their turns", async () => {
    const own = loadExpressions("any");
    const ended: string[] = [];
    const evaluate = (source: string, caller: string): Promise<unknown> =>
      Promise.resolve(own.compile(source).evaluate(stuck, caller)).finally(() => ended.push(caller));
    const [first, second] = ["ada", "ada"].map((caller) => evaluate(backtracking, caller));
    second?.catch(() => undefined);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await Promise.all([
      expect(first).rejects.toMatchObject({ code: "WORK_TOO_LONG", message: expect.stringContaining("it takes too long") }),
      expect(evaluate('s.matches("^b")', "bob")).resolves.toBe(false),
    ]);
    clearInterval(turning);
    expect(ended).toEqual(["ada", "bob"]);
    expect(turns).toBeGreaterThan(10);
    own.close();
    await expect(second).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });

  it("that read a text of digits as a duration hold up nobody", async () => {
    const longer = compile("duration(s) > duration('1s')");
    await expect(longer.evaluate({ s: "2s" }, "ada")).resolves.toBe(true);
    await expect(longer.evaluate({ s: "1".repeat(4_000) }, "ada")).rejects.toMatchObject({ code: "WORK_TOO_LONG" });
  });

  it("of one caller wait in a bounded number", async () => {
    const own = loadExpressions("any");
    const all = Promise.allSettled(Array.from({ length: 300 }, () => own.compile(backtracking).evaluate(stuck, "ada")));
    own.close();
    const codes = (await all).map((outcome) => (outcome.status === "rejected" ? (outcome.reason as { code: string }).code : "done"));
    expect(new Set(codes)).toEqual(new Set(["RATE_LIMITED", "SHUTTING_DOWN"]));
  });
});
