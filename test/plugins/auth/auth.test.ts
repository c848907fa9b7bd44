import { describe, expect, it } from "vitest";
import type { Credentials } from "#weftline";
import { authConfig } from "../../../src/plugins/auth/config.ts";
import { auth } from "../../../src/plugins/auth/index.ts";
import { createAuth } from "../../../src/plugins/auth/service.ts";
import { composePlatform } from "../../../src/core/platform.ts";
import { probePlugin, serve, tokens, viewers } from "../../graphql/fixture.ts";

const from = (
  address: string,
  headers: Credentials["headers"] = {},
  connectionParams: Credentials["connectionParams"] = {},
): Credentials => ({ address, headers, connectionParams });
const open = createAuth(authConfig.parse({}));
const closed = createAuth(authConfig.parse({ viewers }));

describe("without viewers", () => {
  it("whoever is on this machine is the local viewer", async () => {
    for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
      expect(await open.authenticator.authenticate(from(address)), address).toEqual({
        tenantId: "default",
        actorId: "local",
        name: "Local user",
        roles: ["admin", "audit"],
      });
    }
    expect(open.authenticator.open).toBe(true);
  });

  it("nobody from elsewhere is, nor whoever came through a proxy on this machine", async () => {
    for (const address of ["10.0.0.7", "192.168.1.2", "::ffff:10.0.0.1", "fe80::1", "", "localhost"])
      expect(await open.authenticator.authenticate(from(address)), address).toBeUndefined();
    for (const header of ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
      expect(await open.authenticator.authenticate(from("127.0.0.1", { [header]: "10.0.0.7" }))).toBeUndefined();
  });
});

describe("with viewers", () => {
  it("a token names its viewer, from the header or from a socket's first message", async () => {
    const ada = { tenantId: "default", actorId: "ada", name: "Ada", roles: ["admin"] };
    const bob = { tenantId: "other", actorId: "bob", name: "bob", roles: [] };
    expect(await closed.authenticator.authenticate(from("10.0.0.7", { authorization: `Bearer ${tokens.ada}` }))).toEqual(ada);
    expect(await closed.authenticator.authenticate(from("10.0.0.7", { authorization: `bearer  ${tokens.bob} ` }))).toEqual(bob);
    expect(await closed.authenticator.authenticate(from("10.0.0.7", {}, { token: tokens.bob }))).toEqual(bob);
    expect(await closed.authenticator.authenticate(from("10.0.0.7", {}, { authorization: `Bearer ${tokens.ada}` }))).toEqual(ada);
    expect(closed.authenticator.open).toBe(false);
  });

  it("nothing else does, from this machine neither", async () => {
    const wrong = [
      {},
      { authorization: tokens.ada },
      { authorization: `Basic ${tokens.ada}` },
      { authorization: `Bearer ${tokens.ada}x` },
      { authorization: "Bearer " },
      { authorization: `Bearer ${tokens.ada.slice(0, -1)}` },
    ];
    for (const headers of wrong)
      expect(await closed.authenticator.authenticate(from("127.0.0.1", headers)), JSON.stringify(headers)).toBeUndefined();
    for (const params of [{ token: 1 }, { token: [tokens.ada] }, { authorization: { token: tokens.ada } }])
      expect(await closed.authenticator.authenticate(from("127.0.0.1", {}, params))).toBeUndefined();
  });

  it("a revoked viewer is let in no more, and the version tells", async () => {
    const { auth: service, authorization, authenticator } = createAuth(authConfig.parse({ viewers }));
    const before = authorization.version;
    service.revoke({ tenantId: "default", actorId: "ada" });
    expect(authorization.version).toBeGreaterThan(before);
    expect(await authenticator.authenticate(from("::1", { authorization: `Bearer ${tokens.ada}` }))).toBeUndefined();
    expect(await authorization.admits({ tenantId: "default", actorId: "ada", name: "Ada", roles: [] })).toBe(false);
    expect(await authorization.admits({ tenantId: "other", actorId: "ada", name: "Ada", roles: [] })).toBe(true);
    expect(await authenticator.authenticate(from("::1", { authorization: `Bearer ${tokens.bob}` }))).toBeDefined();
  });

  it("is refused with 401 over HTTP, and each viewer acts as itself", async () => {
    await using app = await serve({ plugins: [auth({ viewers }), probePlugin()] });
    const ask = async (headers: Record<string, string>): Promise<unknown[]> => {
      const response = await app.post({ query: "{ viewer { name tenant roles } }" }, headers);
      return [response.status, await response.json()];
    };
    for (const headers of [{}, { authorization: "Bearer wrong-token" }] as Record<string, string>[]) {
      expect(await ask(headers)).toMatchObject([
        401,
        { errors: [{ extensions: { code: "UNAUTHENTICATED", fix: expect.stringContaining("Bearer"), requestId: expect.any(String) } }] },
      ]);
    }
    expect(await ask({ authorization: `Bearer ${tokens.ada}` })).toEqual([
      200,
      { data: { viewer: { name: "Ada", tenant: "default", roles: ["admin"] } } },
    ]);
    expect(await ask({ authorization: `Bearer ${tokens.bob}` })).toEqual([
      200,
      { data: { viewer: { name: "bob", tenant: "other", roles: [] } } },
    ]);
  });
});

describe("the configuration", () => {
  const report = async (list: object[]): Promise<string> => {
    const error: unknown = await composePlatform({ plugins: [auth({ viewers: list as never })], logLevel: "silent" }).then(
      () => new Error("It was accepted."),
      (refused: unknown) => refused,
    );
    return error instanceof Error ? error.message : "";
  };

  it("is refused where two viewers share a token or an id, or a token is short, and the report tells no token", async () => {
    const token = "a-long-secret-token";
    expect(
      await report([
        { token, id: "a" },
        { token, id: "b" },
      ]),
    ).toMatch(/PLUGIN_CONFIG_INVALID.*"auth".*same token/s);
    expect(
      await report([
        { token, id: "a" },
        { token: `${token}2`, id: "a" },
      ]),
    ).toMatch(/same id/);
    expect(await report([{ token: "short", id: "a" }])).toMatch(/at least 8/i);
    expect(await report([{ token, id: "a", admin: true }])).toMatch(/admin/);
    for (const missing of [undefined, null, ""])
      expect(await report([{ token: missing, id: "a" }])).toMatch(/viewers\.0\.token: The token is not set: [^;]*environment[^;]*$/m);
    for (const list of [
      [
        { token, id: "a" },
        { token, id: "b" },
      ],
      [{ token: "short", id: "a" }],
    ])
      expect(await report(list)).not.toMatch(/a-long-secret-token|"short"/);
  });
});
