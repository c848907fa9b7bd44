import { enumKey } from "../graphql/enums.ts";

export const Provenance = enumKey("LIVE", "SIMULATED", "REPLAYED");
export type Provenance = keyof typeof Provenance;

export const ListScope = enumKey("MINE", "TENANT");
export const HealthStatus = enumKey("UP", "DEGRADED", "DOWN");
export type HealthStatus = keyof typeof HealthStatus;
export const ActorKind = enumKey("USER", "AGENT", "SYSTEM", "SERVICE");
export const PluginState = enumKey("READY", "DISABLED", "UNAVAILABLE", "FAILED");
export const PluginKind = enumKey("CORE", "CAPABILITY", "FRAMEWORK", "ENGINE");
export const ChangeKind = enumKey("CREATED", "UPDATED", "DELETED", "RESYNC");

/** The type key of `HealthComponent`: the health of one part. */
export class HealthComponent {
  readonly name: string;
  readonly status: HealthStatus;
  readonly detail: string | null;
  /** Milliseconds. */
  readonly latencyMs: number | null;
  readonly checkedAt: Date;

  constructor(
    fields: { readonly name: string; readonly status: HealthStatus; readonly detail?: string | null; readonly latencyMs?: number | null },
    checkedAt = new Date(),
  ) {
    this.name = fields.name;
    this.status = fields.status;
    this.detail = fields.detail ?? null;
    this.latencyMs = fields.latencyMs ?? null;
    this.checkedAt = checkedAt;
  }
}

/** The type key of `Viewer`. */
export class ViewerView {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly roles: readonly string[];

  constructor(id: string, name: string, tenant: string, roles: readonly string[]) {
    this.id = id;
    this.name = name;
    this.tenant = tenant;
    this.roles = roles;
  }
}
