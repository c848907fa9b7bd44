import satisfies from "semver/functions/satisfies.js";
import { WeftlineError } from "../errors.ts";
import { orderByDependency } from "./order.ts";
import { refOf } from "./refs.ts";
import type { BootReport } from "./report.ts";
import type { PluginEntry } from "./spec.ts";

const idPattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Checks ids, doublets and host ranges; notes what is wrong. */
export function checkEntries(entries: readonly PluginEntry[], host: string, report: BootReport): void {
  const seen = new Set<string>();
  for (const { spec } of entries) {
    const { id, weftline: range } = spec;
    if (!idPattern.test(id)) report.add("load", new WeftlineError("PLUGIN_ID_INVALID", { id, plugin: id }));
    if (seen.has(id)) report.add("load", new WeftlineError("PLUGIN_DUPLICATE", { plugin: id }));
    if (range !== undefined && !satisfies(host, range, { includePrerelease: true })) {
      report.add("load", new WeftlineError("PLUGIN_HOST_RANGE", { plugin: id, range, host }));
    }
    seen.add(id);
  }
}

/**
 * Matches required with provided services and sorts the plugins; notes what is missing, doubled or circular. A disabled plugin has
 * its place too, for the sake of its tables, but provides nothing.
 */
export function resolveOrder(entries: readonly PluginEntry[], hostServices: ReadonlySet<string>, report: BootReport): PluginEntry[] {
  const providers = new Map<string, string>();
  const asleep = new Map<string, string>();
  for (const { spec, disabled } of entries) {
    for (const ref of Object.values(spec.provides ?? {})) {
      const other = providers.get(ref.id) ?? (hostServices.has(ref.id) ? "the host" : undefined);
      if (disabled) asleep.set(ref.id, spec.id);
      else if (!other) providers.set(ref.id, spec.id);
      else report.add("resolve", new WeftlineError("SERVICE_DUPLICATE", { service: ref.id, plugin: other, other: spec.id }), spec.id);
    }
  }

  const orderable = entries.map(({ spec, disabled }) => {
    const after: string[] = [];
    for (const wanted of Object.values(spec.requires ?? {})) {
      const { id } = refOf(wanted);
      const sleeper = asleep.get(id);
      const provider = providers.get(id) ?? sleeper;
      if (provider !== undefined) after.push(provider);
      if (disabled || wanted.kind === "optional" || providers.has(id) || hostServices.has(id)) continue;
      const fix = sleeper === undefined ? {} : { fix: `Enable "${sleeper}", which provides it, or mark the requirement optional(…).` };
      report.add("resolve", new WeftlineError("SERVICE_MISSING", { plugin: spec.id, service: id, ...fix }));
    }
    return { id: spec.id, after };
  });

  const sorted = orderByDependency(orderable);
  if ("circles" in sorted) {
    for (const circle of sorted.circles) {
      report.add("resolve", new WeftlineError("PLUGIN_CYCLE", { plugin: circle[0] ?? "", circle: circle.join(" → ") }));
    }
    return [...entries];
  }
  const byId = new Map(entries.map((entry) => [entry.spec.id, entry]));
  return sorted.order.flatMap((id) => byId.get(id) ?? []);
}
