import { describe, expect, it } from "vitest";
import { createLog } from "../../src/core/log.ts";

const key = "sk-live-abcdefghijklmnop";

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({}, { write: (line) => void lines.push(line) }));
  return lines.join("");
}

describe("the log", () => {
  it("holds no secret by its name, however deep it stands and whatever it is", () => {
    const text = logged((log) => {
      log.info({
        apiKey: key,
        a: { token: "hush", b: { c: { d: { "x-api-key": "hush", clientSecret: 'hu"sh', refresh_token: "hush\\" } } } },
      });
      log.info({
        secret: ["hush"],
        headers: { authorization: "hush", cookie: ["hush"] },
        body: JSON.stringify({ deep: { password: 'a"hush' } }),
      });
      log.child({ password: "hush" }).info({}, "hello");
    });
    expect(text).not.toMatch(/hush|sh"|sk-live/);
    expect(text.match(/\[secret\]/g)?.length).toBeGreaterThanOrEqual(9);
    for (const line of text.trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  it("holds no secret by its form, in words and in errors", () => {
    const error = new Error(`401: Incorrect API key provided: ${key}`, {
      cause: new Error("GET https://ada:hush-hush@db.example.com failed"),
    });
    const text = logged((log) => log.error({ err: error }, `sent Authorization: Bearer abc.def-ghi and ${key}`));
    expect(text).not.toMatch(/sk-live|abc\.def|hush/);
    expect(text).toContain("db.example.com");
  });

  it("keeps what is no secret", () => {
    const text = logged((log) =>
      log.info({ maxTokens: "12", inputTokens: 5, url: "https://example.com/a@b" }, "the token count of a task-list"),
    );
    expect(text).toContain('"maxTokens":"12","inputTokens":5,"url":"https://example.com/a@b"');
    expect(text).toContain("the token count of a task-list");
  });

  it("takes no longer for a line that is made to be slow", () => {
    const start = performance.now();
    logged((log) => log.info({ a: '"token":"'.repeat(20_000), b: "a://".repeat(50_000), c: `"${"-".repeat(200_000)}` }));
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
