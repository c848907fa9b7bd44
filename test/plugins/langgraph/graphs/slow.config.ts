import { defineConfig } from "../../../../src/core/index.ts";
import { agents, auth, capabilities, langgraph, models, simulated } from "../../../../src/plugins/index.ts";

export default defineConfig({
  dataDir: process.env["WEFTLINE_DATA"] ?? "",
  plugins: [
    auth(),
    models(),
    simulated(),
    capabilities(),
    agents(),
    langgraph({ graphs: { slow: "./test/plugins/langgraph/graphs/slow.ts:graph" } }),
  ],
});
