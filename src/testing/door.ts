import { contribution } from "../core/kernel/refs.ts";
import type { Viewer } from "../core/database/viewer.ts";
import { authenticators, type Authenticator, type Credentials } from "../core/graphql/scope.ts";
import { definePlugin } from "../core/plugin.ts";

/** Lets viewers of a test in over the network: each proves itself by its actor's id. */
export function testDoor(viewers: readonly Viewer[]) {
  const authenticate = (credentials: Credentials): Viewer | undefined => viewers.find(({ actorId }) => actorId === bearerOf(credentials));
  const viewerOf: Authenticator["viewerOf"] = (actor) =>
    viewers.find(({ tenantId, actorId }) => tenantId === actor.tenantId && actorId === actor.actorId);
  return definePlugin({
    id: "testing",
    description: "Lets the viewers of a test in.",
    contributes: [contribution(authenticators, "testing", { open: false, authenticate, viewerOf })],
  });
}

function bearerOf({ headers, connectionParams }: Credentials): string | undefined {
  const stated = headers["authorization"] ?? connectionParams["authorization"];
  return typeof stated === "string" ? /^Bearer (.+)$/.exec(stated)?.[1] : undefined;
}
