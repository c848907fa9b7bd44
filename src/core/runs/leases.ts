import { v7 as newId } from "uuid";
import type { Database } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import type { Logger } from "../kernel/spec.ts";
import { claimable, lossesOnClaim, type Claimable } from "./due-runs.ts";
import type { Run } from "./entities/run.ts";
import { isOfStore, SetAside } from "./set-aside.ts";
import { openStatuses } from "./types.ts";

/** As how many take-overs one counts of the run that its process stood still in: with any other it is more than a run may have. */
const stalledTakeovers = 5;

/** What leases are kept with. */
export interface LeasesHost {
  readonly database: Database;
  readonly log: Logger;
}

/** The leases of one engine. It advances a run only while it holds the lease; the run's epoch fences off earlier holders. */
export class Leases {
  /** The engine that these are the leases of. */
  readonly owner = newId();
  readonly #host: LeasesHost;
  readonly #leaseMs: number;
  readonly #unrenewed: SetAside;

  constructor(host: LeasesHost, leaseMs: number) {
    this.#host = host;
    this.#leaseMs = leaseMs;
    this.#unrenewed = new SetAside(host.log, "lease");
  }

  /** Ends every open lease. @param stalled the run that blocked its process: it gets fewer attempts than others */
  async endAll(stalled: string | undefined): Promise<void> {
    await this.#host.database.commit(
      ({ sql }) =>
        sql.run(
          `update runs_run set takeovers = takeovers + case when id = ? then ? else 0 end, lease_until = 0
           where lease_owner is not null and status in ${openStatuses}`,
          stalled ?? "",
          stalledTakeovers - 1,
        ),
      "takeOver",
    );
  }

  /** Takes a run. @returns how often it was lost in a row; nothing where it cannot be claimed. */
  async claim(sql: Sql, id: string, which: Claimable): Promise<number | undefined> {
    const claimed = await sql.get<{ takeovers: number }>(
      `update runs_run set epoch = epoch + 1, due_at = null, lease_until = ${sql.now} + ?,
       takeovers = ${lossesOnClaim}, lease_owner = ? where id = ? and ${claimable(sql.now, which)}
       returning takeovers`,
      this.#leaseMs,
      this.owner,
      id,
    );
    return claimed?.takeovers;
  }

  /** Gives a run back as it is, without counting it as lost. */
  async release({ id, epoch }: Run): Promise<void> {
    await this.#host.database.commit(
      ({ sql }) =>
        sql.run(`update runs_run set lease_owner = null, lease_until = null, due_at = ${sql.now} where id = ? and epoch = ?`, id, epoch),
      "release",
    );
  }

  /** Prolongs the leases of these runs, by their epochs. @returns those that another holds now */
  async renew(mine: readonly (readonly [id: string, epoch: number])[]): Promise<readonly string[]> {
    const renew = (some: typeof mine): Promise<string[]> =>
      this.#host.database.commit(async ({ sql }) => {
        const text = `update runs_run set lease_until = ${sql.now} + ? where id = ? and epoch = ? and lease_owner = ?`;
        const gone: string[] = [];
        for (const [id, epoch] of some) if ((await sql.run(text, this.#leaseMs, id, epoch, this.owner)) === 0) gone.push(id);
        return gone;
      }, "renew");
    try {
      return await renew(mine);
    } catch (error) {
      if (isOfStore(error)) throw error;
      // A lease that cannot be renewed must not cost the others theirs.
      return (await Promise.all(mine.map((each) => this.#unrenewed.try(each[0], () => renew([each]))))).flatMap((gone) => gone ?? []);
    }
  }
}
