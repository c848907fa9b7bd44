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

  it("holds no secret that stands in an address, a header or an assignment", () => {
    const text = logged((log) => {
      log.warn(
        { url: "https://api.example.com/v1?api_key=hush1&page=2", headers: { "Set-Cookie": ["sid=hush2"] } },
        "GET /?token=hush3#top",
      );
      log.warn({}, "Authorization: hush4\nCookie: sid=hush5; theme=hush6");
      log.warn({}, "refused:\ntoken=hush12\nBearer hush13hush\nsk-hush14hush14hush14");
      log.warn({}, "client_secret=hush7 PASSWORD='hush8'");
      log.warn(
        { credentials: { user: "ada", pass: "hush9" }, deep: { secrets: ["hush10"] }, pin: { password: 4711 } },
        "x-api-key: hush11",
      );
    });
    expect(text).not.toMatch(/hush|4711/);
    expect(text).toContain("page=2");
    for (const line of text.trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  it("knows keys and tokens of well-known services", () => {
    const tail = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    const kept = [`ghp_${tail}`, `github_pat_${tail}`, `hf_${tail}`, `gsk_${tail}`, `xoxb-${tail}`, `AIza${tail}`, "AKIAIOSFODNN7EXAMPLE"];
    const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWl0";
    const text = logged((log) => log.error({ err: new Error(`refused:\n${kept.join("\n")} ${token}`) }));
    for (const each of [...kept, token]) expect(text).not.toContain(each);
  });

  it("takes whatever stands in what is logged", () => {
    const write = (log: ReturnType<typeof createLog>): void => {
      const cause = Object.assign(new Error("the command failed"), { stdout: Buffer.from("half") });
      log.warn({ err: cause, output: Buffer.from("half"), at: { deep: { bytes: new Uint8Array(4) } } }, "the command failed");
    };
    expect(logged(write)).toContain("the command failed");
  });

  it("keeps what is no secret", () => {
    const text = logged((log) =>
      log.info({ maxTokens: "12", inputTokens: 5, url: "https://example.com/a@b" }, "the token count of a task-list"),
    );
    const fix = "Set OPENAI_API_KEY, as in models({ bindings: { openai: { apiKey: process.env.OPENAI_API_KEY } } }).";
    expect(logged((log) => log.info({ usage: { tokens: 9, totalTokens: 12 }, hasToken: true, fix }))).toContain(fix);
    expect(text).toContain('"maxTokens":"12","inputTokens":5,"url":"https://example.com/a@b"');
    expect(text).toContain("the token count of a task-list");
  });

  it("takes no longer for a line that is made to be slow", () => {
    const start = performance.now();
    logged((log) =>
      log.info({
        a: '"token":"'.repeat(20_000),
        b: "a://".repeat(50_000),
        c: `"${"-".repeat(200_000)}`,
        d: "x-".repeat(100_000),
        e: "eyJ".repeat(60_000),
      }),
    );
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
