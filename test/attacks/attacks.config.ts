import { defineConfig } from "../../src/core/index.ts";
import { agents, auth, capabilities, chat, health, models, openai, simulated } from "../../src/plugins/index.ts";

/** Two tenants with a token each. */
export default defineConfig({
  server: { host: "127.0.0.1" },
  dataDir: process.env["WEFTLINE_DATA"] ?? "./data",
  plugins: [
    auth({
      viewers: [
        { token: "token-of-mallory", id: "mallory", roles: ["admin"] },
        { token: "token-of-bob", id: "bob", tenant: "other" },
      ],
    }),
    health(),
    models({ bindings: {} }),
    simulated(),
    capabilities(),
    openai(),
    agents(),
    chat(),
  ],
});
