import { FairPlaces, type PlaceOwner } from "./fair-places.ts";
import type { ToolDefinition } from "./tools.ts";

/** Lets no more calls of a tool run at once, over all runs of this process, than its definition says; tenants and viewers that wait take turns. */
export class ToolGates {
  readonly #places = new Map<string, FairPlaces>();

  /** Runs the work when it is its owner's turn. @throws the signal's reason where that aborts first. */
  async pass<T>(
    { name, concurrency }: ToolDefinition,
    { owner, signal }: { readonly owner: PlaceOwner; readonly signal: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T> {
    if (concurrency === undefined) return work();
    let places = this.#places.get(name);
    if (!places) this.#places.set(name, (places = new FairPlaces(concurrency)));
    places.most = concurrency;
    const giveBack = await places.take(owner, signal);
    try {
      return await work();
    } finally {
      giveBack();
    }
  }
}
