import { mapConfig } from "../../nodes/scheduled/map.ts";
import { isObject } from "../fields.ts";
import type { JsonObject } from "../types.ts";
import { scheduledKinds } from "./scheduled-kinds.ts";

/** What of the settings of a branch, a map or a loop can be checked where something else of them is wrong. */
export interface LooseParts {
  readonly over?: string;
  readonly while?: string;
  /** Absent where no variable can be called so. */
  readonly as: string | undefined;
  readonly node?: { readonly kind: string; readonly config: JsonObject };
  readonly cases: readonly { readonly when?: string; readonly to?: string }[];
}

/** Reads settings as far as they are what they should be. */
export function looseParts(config: JsonObject): LooseParts {
  const { over, as, node, cases } = config;
  const condition = config["while"];
  const inner = isObject(node) && isObject(node["config"]) ? { kind: node["kind"], config: node["config"] } : undefined;
  return {
    ...(isText(over) ? { over } : {}),
    ...(isText(condition) ? { while: condition } : {}),
    as: as === undefined ? "item" : mapConfig.shape.as.safeParse(as).data,
    ...(typeof inner?.kind === "string" && !scheduledKinds.includes(inner.kind) ? { node: { ...inner, kind: inner.kind } } : {}),
    cases: Array.isArray(cases) ? cases.map(caseOf) : [],
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function caseOf(each: unknown): LooseParts["cases"][number] {
  const { when, to } = isObject(each) ? each : {};
  return { ...(isText(when) ? { when } : {}), ...(isText(to) ? { to } : {}) };
}
