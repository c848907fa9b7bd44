import { extensionPoint } from "./kernel/refs.ts";
import type { MaybePromise } from "./kernel/spec.ts";

/** What an installer works with. */
export interface InstallContext {
  /** The plugin's own configuration, validated. */
  readonly config: unknown;
  /** The plugin's own folder in the data folder, whether it is there yet or not. */
  readonly folder: string;
  /** Aborts at the first interrupt. */
  readonly signal: AbortSignal;
  /** Tells how far it is. */
  progress(step: InstallStep): void;
}

/** Where an installation stands. */
export interface InstallStep {
  /** For people, as in `Installing crewai`. */
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

/** What a plugin needs beside the package, brought by `weftline plugins install` and never while it serves. */
export interface Installer {
  /** What it brings, for help. */
  readonly description: string;
  /** How it stands; changes nothing. */
  check(ctx: Pick<InstallContext, "config" | "folder">): MaybePromise<{ readonly state: "ready" | "missing"; readonly detail: string }>;
  /** Brings it, also where it is there already. @returns how it stands then, for people. */
  install(ctx: InstallContext): Promise<string>;
}

/**
 * Where plugins put {@link Installer}s, by their id. Contribute them statically, so that they are found without a boot.
 *
 * @example contributes: [contribution(installers, "crewai", crewaiInstaller)]
 */
export const installers = extensionPoint<Installer>("weftline.installers");
