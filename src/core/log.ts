import { pino } from "pino";
import type { WeftlineConfig } from "./config.ts";
import type { Logger } from "./kernel/spec.ts";

/** Where a secret may stand in what is logged; it is replaced, never printed. */
const secretPaths = ["authorization", "apiKey", "token", "password", "secret"].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Structured logs on standard error: standard output is for data. */
export function createLog(config: Pick<WeftlineConfig, "logLevel">): Logger {
  return pino(
    { level: config.logLevel ?? "info", redact: { paths: secretPaths, censor: "[secret]" }, base: null },
    pino.destination(2),
  ) as unknown as Logger;
}
