import type { Viewer } from "../database/viewer.ts";
import { authorizationService, type Admitted, type ScopeHost } from "./scope.ts";

/** How often it is looked whether something was revoked. */
const lookMs = 1_000;
/** The longest that a timer waits. */
const longestTimer = 2 ** 31 - 1;

/** A caller that stays connected. */
export interface Staying {
  readonly viewer: Admitted;
  /** The authorisation version from before the caller was let in: what was revoked since is found too. */
  readonly since: number;
  /** Told once, when the caller may stay no longer. */
  readonly end: () => void;
}

/** Shows out who is connected and may no longer be, also where nothing happens: at the end of its credentials, and soon after it was revoked. */
export class Stays {
  readonly #host: ScopeHost;
  readonly #open = new Set<Staying>();
  #seen = 0;
  #looks: NodeJS.Timeout | undefined;

  constructor(host: ScopeHost) {
    this.#host = host;
  }

  /** @returns what forgets it. */
  add(staying: Staying): () => void {
    this.#seen = this.#open.size === 0 ? staying.since : Math.min(this.#seen, staying.since);
    this.#open.add(staying);
    this.#looks ??= setInterval(() => void this.#look(), lookMs).unref();
    const cancel = this.#endAt(staying);
    return () => {
      cancel();
      this.#open.delete(staying);
      if (this.#open.size === 0) this.#looks = void clearInterval(this.#looks);
    };
  }

  #endAt({ viewer: { expiresAt }, end }: Staying): () => void {
    if (expiresAt === undefined) return nothing;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const left = Math.max(0, expiresAt - Date.now());
      timer = setTimeout(() => (Date.now() >= expiresAt ? end() : wait()), Math.min(left, longestTimer)).unref();
    };
    wait();
    return () => clearTimeout(timer);
  }

  async #look(): Promise<void> {
    const authorization = this.#host.use(authorizationService);
    const { version } = authorization;
    if (version === this.#seen) return;
    this.#seen = version;
    const known = new Map<Viewer, boolean>();
    try {
      for (const staying of this.#open) {
        const { viewer, end } = staying;
        if (!known.has(viewer)) known.set(viewer, await authorization.admits(viewer));
        if (known.get(viewer) === false && this.#open.has(staying)) end();
      }
    } catch (error) {
      this.#seen = -1;
      this.#host.log.error({ err: error }, "whoever was revoked could not be looked up; it is tried again");
    }
  }
}

function nothing(): void {}
