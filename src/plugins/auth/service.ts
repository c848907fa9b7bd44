import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopbackAddress, type Authenticator, type Authorization, type Credentials, type Viewer } from "#weftline";
import type { AuthConfig } from "./config.ts";
import type { Auth } from "./contract.ts";

/** What the plugin puts into the host. */
export interface AuthParts {
  readonly authenticator: Authenticator;
  readonly authorization: Authorization;
  readonly auth: Auth;
}

/** Who acts on a machine that nobody else reaches. */
const localViewer: Viewer = Object.freeze({ tenantId: "default", actorId: "local", name: "Local user", roles: ["admin", "audit"] });

/** Headers that a proxy adds: what comes through one did not start on this machine. */
const proxyHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

export function createAuth({ viewers }: AuthConfig): AuthParts {
  const known = viewers.map(({ token, id, name, kind, tenant, roles, expires }) => ({
    hash: hashOf(token),
    viewer: Object.freeze<Viewer>({
      tenantId: tenant,
      actorId: id,
      name: name ?? id,
      roles,
      ...(kind === "USER" ? {} : { kind }),
      ...(expires === undefined ? {} : { expiresAt: expires }),
    }),
  }));
  const revoked = new Set<string>();
  let version = 0;
  const admits = (viewer: Viewer): boolean => !revoked.has(keyOf(viewer));
  const find = known.length === 0 ? findLocal : (credentials: Credentials) => findByToken(known, credentials);
  const actors = known.length === 0 ? [localViewer] : known.map(({ viewer }) => viewer);
  return {
    authenticator: {
      open: known.length === 0,
      authenticate: (credentials) => {
        const viewer = find(credentials);
        return viewer && admits(viewer) ? viewer : undefined;
      },
      viewerOf: (actor) => actors.find((viewer) => keyOf(viewer) === keyOf(actor) && admits(viewer)),
    },
    authorization: {
      get version() {
        return version;
      },
      raise: () => void version++,
      admits,
    },
    auth: {
      revoke: (viewer) => {
        revoked.add(keyOf(viewer));
        version++;
      },
    },
  };
}

function findLocal({ address, headers }: Credentials): Viewer | undefined {
  return isLoopbackAddress(address) && !proxyHeaders.some((name) => headers[name] !== undefined) ? localViewer : undefined;
}

/** Compares with every hash, in constant time, so that the time taken tells nothing about which token was nearly right. */
function findByToken(known: readonly { readonly hash: Buffer; readonly viewer: Viewer }[], credentials: Credentials): Viewer | undefined {
  const token = tokenOf(credentials);
  if (token === undefined) return undefined;
  const hash = hashOf(token);
  let found: Viewer | undefined;
  for (const candidate of known) if (timingSafeEqual(candidate.hash, hash)) found = candidate.viewer;
  return found;
}

/** From the header, or from a socket's first message, where browsers cannot set headers. */
function tokenOf({ headers, connectionParams }: Credentials): string | undefined {
  const stated = headers["authorization"] ?? connectionParams["authorization"] ?? connectionParams["Authorization"];
  const bearer = typeof stated === "string" ? /^Bearer\s+(\S+)$/i.exec(stated.trim())?.[1] : undefined;
  if (bearer !== undefined) return bearer;
  const { token } = connectionParams;
  return typeof token === "string" ? token : undefined;
}

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();
const keyOf = ({ tenantId, actorId }: { readonly tenantId: string; readonly actorId: string }): string =>
  JSON.stringify([tenantId, actorId]);
