import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DoctorFinding } from "../../core/doctor-checks.ts";
import { lockHolder } from "../../core/database/lock.ts";
import { WeftlineError } from "../../core/errors.ts";
import { admission } from "../../core/graphql/authenticate.ts";
import { checkBind, tryAddress, type ListenAddress } from "../../core/graphql/bind.ts";
import { createPlatform } from "../../core/platform.ts";
import { failed, ok, patience, thrown, warning, type Check, type Patient } from "./check.ts";

/** Whether the plugins come up, on an empty folder. They may call others then. */
export const bootCheck: Check = {
  name: "boot",
  run: async ({ config, network }: Patient): Promise<DoctorFinding[]> => {
    if (!config) return [];
    if (network === "off") return [ok("Plugins were read and not set up; --online sets them up on an empty folder.")];
    const dataDir = mkdtempSync(join(tmpdir(), "weftline-doctor-"));
    try {
      const platform = await createPlatform({ ...config, dataDir, logLevel: "silent" }, { migrate: "automatic", data: "temporary" });
      const wanting = [...platform.kernel.report.plugins.values()].filter(({ state }) => state === "FAILED" || state === "UNAVAILABLE");
      const count = platform.kernel.plugins.length;
      await platform.close();
      if (wanting.length === 0) return [ok(`All ${count} plugins came up.`)];
      return wanting.map(({ id, state, reason, fix }) => warning(`${id} is ${state}${reason === undefined ? "" : `: ${reason}`}`, fix));
    } catch (error) {
      return thrown(error);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
};

/** Whether the address is free, or taken by the server of this data folder. */
export const addressCheck: Check = {
  name: "address",
  run: async ({ config, kernel, dataDir }: Patient): Promise<DoctorFinding[]> => {
    if (!config) return [];
    const address = { host: config.server?.host ?? "127.0.0.1", port: config.server?.port ?? 4400 };
    if (kernel) checkBind(address, admission(kernel.registry));
    try {
      await tryAddress(address);
      return [ok(`${address.host}:${address.port} is free.`)];
    } catch (error) {
      if (!(error instanceof WeftlineError) || error.code !== "ADDRESS_IN_USE") throw error;
      return [await takenBy(address, lockHolder(join(dataDir, "weftline.db")))];
    }
  },
};

const otherPort = "Stop the other program, or choose another port: --port 4401, PORT or server.port.";

async function takenBy({ host, port }: ListenAddress, holder: string | undefined): Promise<DoctorFinding> {
  const answer = await livez(host, port);
  const where = `${host}:${port}`;
  if (answer !== "UP") return failed(`${where} is taken by another program.`, otherPort);
  if (holder === undefined) return failed(`${where} is taken by a Weftline server of another data folder.`, otherPort);
  return ok(`${where} is served by Weftline, process ${holder}.`);
}

async function livez(host: string, port: number): Promise<string | undefined> {
  const name = ["0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host;
  try {
    const response = await fetch(`http://${name.includes(":") ? `[${name}]` : name}:${port}/livez`, {
      signal: patience(),
      redirect: "manual",
    });
    const { status } = (await response.json()) as { readonly status?: unknown };
    return typeof status === "string" ? status : undefined;
  } catch {
    return undefined;
  }
}
