import type { Server } from "node:http";
import type { LLMock } from "@copilotkit/aimock";

/** Has a mock server keep idle connections: a client that is busy for seconds must not find its own closed, since it would ask twice. */
export function keepConnections(mock: LLMock): void {
  const { serverInstance } = mock as unknown as { readonly serverInstance: Server };
  serverInstance.keepAliveTimeout = 60_000;
}
