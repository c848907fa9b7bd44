import { authenticators, authorizationService, definePlugin } from "#weftline";
import { authConfig } from "./config.ts";
import { authService } from "./contract.ts";
import { createAuth } from "./service.ts";

/**
 * Lets callers in: by token where viewers are configured, else everybody on this machine as the local viewer.
 *
 * @example auth({ viewers: [{ token: process.env.ADA_TOKEN, id: "ada", name: "Ada", roles: ["admin"] }] })
 */
export const auth = definePlugin({
  id: "auth",
  kind: "CAPABILITY",
  description: "Lets callers in by token, or the local user on a machine that nobody else reaches.",
  config: authConfig,
  provides: { authorization: authorizationService, auth: authService },
  setup: ({ config, contribute }) => {
    const { authenticator, authorization, auth: service } = createAuth(config);
    contribute(authenticators, "auth", authenticator);
    return { authorization, auth: service };
  },
});
