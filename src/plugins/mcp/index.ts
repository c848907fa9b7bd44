import { definePlugin, toolSources } from "#weftline";
import { healthChecks } from "#plugins/health";
import { ServerSource } from "./client/source.ts";
import { mcpConfig } from "./config.ts";

/**
 * Tools of MCP servers.
 *
 * @example plugins: [capabilities(), mcp({ servers: { files: { command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "."] } } })]
 */
export const mcp = definePlugin({
  id: "mcp",
  kind: "CAPABILITY",
  description: "Tools of MCP servers.",
  config: mcpConfig,
  setup: ({ config, log, contribute, onReady, onClose }) => {
    const sources = Object.entries(config.servers).map(([name, server]) => {
      const source = new ServerSource(name, server, log);
      contribute(toolSources, name, source);
      contribute(healthChecks, `mcp.${name}`, source.check);
      return source;
    });
    onReady(() => {
      for (const source of sources) source.open();
    });
    onClose(async () => void (await Promise.all(sources.map((source) => source.close()))));
    return {};
  },
});
