import { pino } from "pino";
import type { WeftlineConfig } from "./config.ts";
import type { Logger } from "./kernel/spec.ts";
import { withoutSecrets } from "./log-secrets.ts";

/** What a log needs of the host. */
export interface LogHost {
  /** Whose code logs: the run, the request, the tool, where they are known. It stands in each line. */
  readonly labels?: () => object;
  /** Where lines go; standard error by default, since standard output is for data. */
  readonly write?: (line: string) => void;
}

/** Structured logs. A line says which run or request it is of, and holds no secret, whoever wrote it. */
export function createLog(config: Pick<WeftlineConfig, "logLevel">, { labels, write }: LogHost = {}): Logger {
  const standardError = write ? undefined : pino.destination(2);
  return pino(
    {
      level: config.logLevel ?? "info",
      base: null,
      ...(labels ? { mixin: (_, __, logger: { bindings(): object }) => without(labels(), logger.bindings()) } : {}),
    },
    { write: (line: string) => (write ? write(withoutSecrets(line)) : void standardError?.write(withoutSecrets(line))) },
  ) as unknown as Logger;
}

/** What a child of the log says itself is not said twice. */
function without(labels: object, bound: object): object {
  return Object.fromEntries(Object.entries(labels).filter(([name, value]) => value !== undefined && !(name in bound)));
}
