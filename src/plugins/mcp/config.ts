import { z } from "zod";

/** Whether a person is asked before a call; a tool that is `OFF` is not offered. */
const rule = z.enum(["NEVER", "ALWAYS", "OFF"]);

const common = {
  /** `HINTS` asks for every tool that does not say of itself that it only reads. */
  approval: z.enum(["HINTS", "NEVER", "ALWAYS"]).default("HINTS"),
  /** Exceptions, by the tool's name at its server. */
  tools: z.record(z.string().min(1), rule).default({}),
  /** How long a call may take. */
  timeoutMs: z.int().positive().default(60_000),
};

const local = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  /** All that the process finds in its environment beside PATH. */
  env: z.record(z.string().min(1), z.string()).default({}),
  cwd: z.string().min(1).optional(),
  ...common,
});

const remote = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string().min(1), z.string()).default({}),
  ...common,
});

const serve = z.strictObject({
  /** The names of the tools that are served; all by default. */
  tools: z.array(z.string().min(1)).optional(),
});

/** The options of the mcp plugin. */
export const mcpConfig = z.strictObject({
  /** MCP servers, by the first part of their tools' names: programs on this machine, or addresses. */
  servers: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,32}$/), z.union([local, remote])).default({}),
  /** Serves the platform's own tools at `/mcp`; it does not by default. */
  serve: serve.optional(),
});

export type LocalServer = z.output<typeof local>;
export type RemoteServer = z.output<typeof remote>;
export type McpServerConfig = LocalServer | RemoteServer;
export type ServeConfig = z.output<typeof serve>;
