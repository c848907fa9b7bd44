import type { PluginList } from "../../core/kernel/spec.ts";
import type { TestPlatform } from "../test-platform.ts";

/** The settings of a node, as a workflow has them. */
export interface NodeSettings {
  readonly config: Readonly<Record<string, unknown>>;
  /** What the run is given: `input` of expressions. An empty object by default. */
  readonly input?: Readonly<Record<string, unknown>>;
}

/** Settings that are right, with what comes of them. */
export interface NodeCase extends NodeSettings {
  /** The node's output, or a function that throws where an output is not the right one. */
  readonly output: unknown;
  /** Members of `config` that take no `{{ expression }}`: names, or keys that only validation reads. */
  readonly fixed?: readonly string[];
  /** How everything that it asks is decided. */
  readonly decision?: { readonly kind: "APPROVE" | "EDIT" | "ANSWER"; readonly payload?: unknown; readonly arguments?: unknown };
  /** Is sent once it runs. */
  readonly signal?: { readonly name: string; readonly payload?: unknown };
}

/** Settings that are wrong. */
export interface RefusedSettings {
  readonly config: Readonly<Record<string, unknown>>;
  /** The member that is wrong, as in `["options", "size"]`; empty where it is the settings as a whole. */
  readonly path: readonly string[];
}

/** A kind of node that is put to the test. */
export interface NodeKindUnderTest {
  /**
   * Plugins that bring it and whatever its cases need, made again for each host. The plugins auth, capabilities, agents and workflows are there
   * already.
   */
  readonly plugins: () => PluginList;
  /** Its name, as nodes say it. */
  readonly kind: string;
  /** Settings that are right; each is run several times. */
  readonly cases: readonly [NodeCase, ...NodeCase[]];
  /** Settings that are wrong. */
  readonly refused: readonly [RefusedSettings, ...RefusedSettings[]];
  /** Settings with which it works or waits until it is stopped; left out for a kind that is always done at once. */
  readonly slow?: NodeSettings;
  /** Settings with which it fails; left out for a kind that cannot. */
  readonly failing?: readonly NodeSettings[];
  /** Secrets that it is configured with: they may stand in no log, event or error. */
  readonly secrets?: readonly string[];
  /** What it has done outside so far, as a value that can be compared; left out for a kind that does nothing outside. */
  readonly effects?: (app: TestPlatform) => unknown;
  /** Makes what its cases need, as agents; called once for each host. */
  readonly prepare?: (app: TestPlatform) => Promise<void>;
}
