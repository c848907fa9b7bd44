import { expect } from "vitest";
import { WeftlineError } from "../../src/core/errors.ts";
import { Kernel, type KernelOptions } from "../../src/core/kernel/kernel.ts";
import type { Logger, PluginList } from "../../src/core/kernel/spec.ts";

/** A line that was logged. */
export interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string | undefined;
}

/** A logger that keeps its lines. */
export function recordingLog(lines: LogLine[] = [], bindings: Record<string, unknown> = {}): Logger & { readonly lines: LogLine[] } {
  const write =
    (level: string) =>
    (fields: object, message?: string): void =>
      void lines.push({ level, fields: { ...bindings, ...fields }, message });
  return {
    lines,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (more) => recordingLog(lines, { ...bindings, ...more }),
  };
}

/** A kernel of version 1.4.0 over a list, not loaded yet. */
export function kernelOf(plugins: PluginList, options: Partial<KernelOptions> = {}): Kernel {
  return new Kernel({ plugins, hostVersion: "1.4.0", log: recordingLog(), ...options });
}

/** A kernel that ran through all its own phases. */
export async function boot(plugins: PluginList, options: Partial<KernelOptions> = {}): Promise<Kernel> {
  const kernel = kernelOf(plugins, options);
  await kernel.load();
  await kernel.setup();
  return kernel;
}

/** The report that a boot fails with; fails the test where it does not. */
export async function reportOf(booting: Promise<unknown>): Promise<string> {
  const error = await booting.then(
    () => expect.fail("the boot succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof WeftlineError)) throw error;
  expect(error.code).toBe("BOOT_FAILED");
  return error.message;
}
