import { defineConfig } from "../../../src/core/index.ts";
import { agents, auth, capabilities, chat, example, health, models, openai, simulated } from "../../../src/plugins/index.ts";

/** The plugins that ship, as they ship, but for a second binding of the same provider that soon runs out of patience, and a talkative log. */
const { WEFTLINE_DATA, OPENAI_API_KEY = "", OPENAI_BASE_URL = "" } = process.env;
const provider = { apiKey: OPENAI_API_KEY, baseURL: OPENAI_BASE_URL };

export default defineConfig({
  dataDir: WEFTLINE_DATA ?? "",
  logLevel: "debug",
  plugins: [
    auth(),
    health(),
    models({ bindings: { openai: provider, quick: { ...provider, timeoutMs: 500 } } }),
    simulated(),
    capabilities(),
    openai(),
    agents(),
    chat(),
    example(),
  ],
});
