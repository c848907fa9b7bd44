import type { PluginEntry } from "../../src/core/kernel/spec.ts";
import * as plugins from "../../src/plugins/index.ts";

export const apis = ["responses", "chat"] as const;

/** A framework over one of OpenAI's two APIs. */
export interface Way {
  readonly framework: string;
  readonly api: (typeof apis)[number];
}

const factories = Object.values(plugins) as readonly (() => PluginEntry)[];

/** CrewAI for Python may be installed here or not, and has a suite of its own. */
const here: Readonly<Record<string, () => PluginEntry>> = { crewai: () => plugins.crewai({ engine: "typescript" }) };

/** Every framework that ships, by its id: a new one is taken as soon as it stands in the list of plugins. */
export const frameworks: ReadonlyMap<string, () => PluginEntry> = new Map(
  factories.flatMap((factory): [string, () => PluginEntry][] => {
    const { id, kind } = factory().spec;
    return kind === "FRAMEWORK" ? [[id, here[id] ?? factory]] : [];
  }),
);

export const ways: readonly Way[] = [...frameworks.keys()].flatMap((framework) => apis.map((api) => ({ framework, api })));

export const nameOf = ({ framework, api }: Way): string => `${framework} over ${api}`;
