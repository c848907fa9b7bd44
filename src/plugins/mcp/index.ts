import { contribution, definePlugin, doctorChecks, httpRoutes, toolSources } from "#weftline";
import { capabilityDirectory, toolCaller } from "#plugins/capabilities";
import { healthChecks } from "#plugins/health";
import { ServerSource } from "./client/source.ts";
import { mcpConfig } from "./config.ts";
import { checkServers } from "./doctor.ts";
import { mcpEndpoint } from "./serve/endpoint.ts";

/**
 * Tools of MCP servers, and the platform as one.
 *
 * @example plugins: [capabilities(), mcp({ servers: { files: { command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "."] } } })]
 */
export const mcp = definePlugin({
  id: "mcp",
  kind: "CAPABILITY",
  description: "Tools of MCP servers, and the platform as one.",
  config: mcpConfig,
  contributes: [contribution(doctorChecks, "mcp", checkServers)],
  requires: { directory: capabilityDirectory, caller: toolCaller },
  setup: ({ config, log, contribute, onReady, onClose }) => {
    const sources = Object.entries(config.servers).map(([name, server]) => {
      const source = new ServerSource(name, server, log);
      contribute(toolSources, name, source);
      contribute(healthChecks, `mcp.${name}`, source.check);
      return source;
    });
    if (config.serve) contribute(httpRoutes, "mcp", mcpEndpoint(config.serve));
    onReady(() => {
      for (const source of sources) source.open();
    });
    onClose(async () => void (await Promise.all(sources.map((source) => source.close()))));
    return {};
  },
});
