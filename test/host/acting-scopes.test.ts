import { describe, expect, it } from "vitest";
import { actingScopes, authenticators, contribution, definePlugin, type ActorKey, type Authenticator } from "#weftline";
import { authService } from "../../src/plugins/auth/contract.ts";
import { auth } from "../../src/plugins/auth/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../src/testing/index.ts";

const viewers = [
  { token: "token-of-ada", id: "ada", name: "Ada", roles: ["admin"] },
  { token: "token-of-bot", id: "bot", kind: "SERVICE" as const, tenant: "other" },
  { token: "token-of-eve", id: "eve", expires: new Date(Date.now() - 1_000) },
];

const act = (app: TestPlatform, actorId: string, tenantId = "default") => app.platform.use(actingScopes).of({ tenantId, actorId });

/** An authenticator that lets nobody in, and looks actors up as it is told. */
function directory(id: string, viewerOf: Authenticator["viewerOf"]) {
  const authenticator = { open: false, authenticate: () => undefined, ...(viewerOf ? { viewerOf } : {}) };
  return definePlugin({ id, contributes: [contribution(authenticators, id, authenticator)] })();
}

describe("a scope that acts as an actor", () => {
  it("has the name, kind and roles of the configuration", async () => {
    await using app = await testPlatform({ plugins: [auth({ viewers })] });
    expect((await act(app, "ada")).viewer).toEqual({ tenantId: "default", actorId: "ada", name: "Ada", roles: ["admin"] });
    expect((await act(app, "bot", "other")).viewer).toMatchObject({ kind: "SERVICE", roles: [] });
  });

  it("is refused for an actor that was removed, has expired or was revoked, and for one of another tenant", async () => {
    await using app = await testPlatform({ plugins: [auth({ viewers })] });
    for (const [actor, tenant] of [["eve"], ["gone"], ["bot"], ["ada", "other"]] as const)
      await expect(act(app, actor, tenant), actor).rejects.toMatchObject({ code: "ACCESS_LOST", kind: "forbidden" });
    await act(app, "ada");
    app.platform.use(authService).revoke({ tenantId: "default", actorId: "ada" });
    await expect(act(app, "ada")).rejects.toMatchObject({ code: "ACCESS_LOST", message: '"ada" has no access to this server any more.' });
  });

  it("is the local viewer where there is one", async () => {
    await using app = await testPlatform({ plugins: [auth()] });
    expect((await act(app, "local")).viewer.roles).toEqual(["admin", "audit"]);
    await expect(act(app, "ada")).rejects.toMatchObject({ code: "ACCESS_LOST" });
  });

  it("comes from whichever authenticator knows the actor", async () => {
    const known = (actor: ActorKey) => (actor.actorId === "zoe" ? { ...testViewer("zoe"), roles: ["audit"] } : undefined);
    await using app = await testPlatform({ plugins: [auth({ viewers }), directory("people", known)] });
    expect((await act(app, "zoe")).viewer.roles).toEqual(["audit"]);
    await expect(act(app, "gone")).rejects.toMatchObject({ code: "ACCESS_LOST" });
  });

  it("is not refused for good where an authenticator cannot tell or fails", async () => {
    const failing = () => {
      throw new Error("password=hunter2");
    };
    for (const [viewerOf, words] of [
      [undefined, 'the authenticator "people" cannot look up actors.'],
      [failing, 'the authenticator "people" failed to look up an actor.'],
    ] as const) {
      await using app = await testPlatform({ plugins: [auth({ viewers }), directory("people", viewerOf)] });
      const refusal = await act(app, "gone").catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining(words) });
      expect(String(refusal)).not.toContain("hunter2");
    }
  });

  it("has no roles where no authenticator is installed", async () => {
    await using app = await testPlatform({ plugins: [] });
    const { viewer, em } = await act(app, "tester", "test");
    expect(viewer).toEqual({ tenantId: "test", actorId: "tester", name: "tester", roles: [] });
    expect(em).toBeDefined();
  });
});
