import { stat } from "node:fs/promises";
import type { z } from "zod";
import type { DoctorCheck, DoctorContext, DoctorFinding } from "#weftline";
import type { LocalServer, RemoteServer, mcpConfig } from "./config.ts";

/** Whether the programs of local MCP servers are there and, where that is asked for, remote ones answer. */
export const checkServers: DoctorCheck = async (ctx) => {
  const { servers } = ctx.config as z.output<typeof mcpConfig>;
  const findings = Object.entries(servers).map(([name, server]) =>
    "command" in server ? local(name, server, ctx) : remote(name, server, ctx),
  );
  return findings.length === 0 ? { status: "ok", detail: "No MCP server is configured" } : Promise.all(findings);
};

async function local(name: string, { command, cwd }: LocalServer, { hasProgram }: DoctorContext): Promise<DoctorFinding> {
  const fix = `Correct mcp({ servers: { ${name}: … } }) in plugins.config.ts, or install the program.`;
  const isFolder = cwd === undefined || (await stat(cwd).catch(() => undefined))?.isDirectory();
  if (!isFolder) return { status: "error", detail: `${name}: its folder ${cwd} is not there.`, fix };
  if (await hasProgram(command, cwd)) return { status: "ok", detail: `${name}: ${command} is there` };
  return { status: "error", detail: `${name}: the program ${command} is not found.`, fix };
}

/** Any answer is one: what a server says to a bare request is its own affair. */
async function remote(name: string, { url }: RemoteServer, { network, signal }: DoctorContext): Promise<DoctorFinding> {
  const { host } = new URL(url);
  if (network === "off") return { status: "ok", detail: `${name}: at ${host}; --online asks it` };
  try {
    const response = await fetch(url, { signal, redirect: "manual" });
    await response.body?.cancel();
    return { status: "ok", detail: `${name}: ${host} answers` };
  } catch {
    return {
      status: "error",
      detail: `${name}: ${host} cannot be reached.`,
      fix: "Start that server, or correct its url in plugins.config.ts.",
    };
  }
}
