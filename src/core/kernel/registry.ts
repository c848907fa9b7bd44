import { WeftlineError } from "../errors.ts";
import type { Contribution, ExtensionPoint, ServiceRef } from "./refs.ts";

/** Holds services and contributions. Filled during setup, frozen when the platform is ready. */
export class Registry {
  readonly #services = new Map<string, { readonly value: unknown; readonly plugin: string }>();
  readonly #points = new Map<string, Map<string, Contribution<unknown>>>();
  #frozen = false;

  provide(ref: ServiceRef<unknown>, value: unknown, plugin: string): void {
    const taken = this.#services.get(ref.id);
    if (taken) throw new WeftlineError("SERVICE_DUPLICATE", { service: ref.id, plugin: taken.plugin, other: plugin });
    this.#services.set(ref.id, { value, plugin });
  }

  has(ref: ServiceRef<unknown>): boolean {
    return this.#services.has(ref.id);
  }

  /** @throws UNAVAILABLE where nobody provides the service. */
  use<T>(ref: ServiceRef<T>): T {
    const found = this.#services.get(ref.id);
    if (!found) {
      throw new WeftlineError("UNAVAILABLE", {
        what: `The service ${ref.id}`,
        reason: "the plugin that provides it is not running.",
        fix: "See the query plugins for its state and reason.",
      });
    }
    return found.value as T;
  }

  contribute(contribution: Contribution<unknown>): void {
    const { point, key, plugin } = contribution;
    if (this.#frozen) throw new WeftlineError("REGISTRY_FROZEN", { plugin, point, key });
    const values = this.#valuesOf(point);
    const taken = values.get(key);
    if (taken) throw new WeftlineError("CONTRIBUTION_DUPLICATE", { point, key, plugin: taken.plugin, other: plugin });
    values.set(key, contribution);
  }

  contributions<T>(point: ExtensionPoint<T>): ReadonlyMap<string, Contribution<T>> {
    return this.#valuesOf(point.id) as ReadonlyMap<string, Contribution<T>>;
  }

  /** What one plugin put anywhere. */
  contributionsOf(plugin: string): Contribution<unknown>[] {
    return [...this.#points.values()].flatMap((values) => [...values.values()].filter((value) => value.plugin === plugin));
  }

  /** Takes back what one plugin provided and contributed. */
  withdraw(plugin: string): void {
    for (const [id, service] of this.#services) if (service.plugin === plugin) this.#services.delete(id);
    for (const { point, key } of this.contributionsOf(plugin)) this.#points.get(point)?.delete(key);
  }

  freeze(): void {
    this.#frozen = true;
  }

  #valuesOf(point: string): Map<string, Contribution<unknown>> {
    let values = this.#points.get(point);
    if (!values) this.#points.set(point, (values = new Map()));
    return values;
  }
}
