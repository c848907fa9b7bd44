import { defineConfig } from "../../src/core/index.ts";
import { agents, auth, capabilities, chat, health, memory, models, openai, simulated } from "../../src/plugins/index.ts";

const { WEFTLINE_DATA = "", EMBEDDINGS = "", MODEL = "" } = process.env;

/** A server whose memory is embedded by a model that the environment names, of an endpoint that it names. */
export default defineConfig({
  dataDir: WEFTLINE_DATA,
  plugins: [
    auth(),
    health(),
    models({ bindings: { house: { apiKey: "sk-house", baseURL: EMBEDDINGS } } }),
    simulated(),
    capabilities(),
    openai(),
    agents(),
    chat(),
    memory({ embedder: "openai", openai: { model: `house/${MODEL}`, dimensions: 384 } }),
  ],
});
