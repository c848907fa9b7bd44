import { Migration } from "@mikro-orm/migrations";

export class Initial202611302259 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`retention_policy\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`target\` text check (\`target\` in ('MEMORY', 'MESSAGES', 'RUN_DELTAS', 'RUNS', 'CHECKPOINTS', 'FILES', 'AUDIT')) not null, \`scope\` text check (\`scope\` in ('', 'THREAD', 'AGENT', 'WORKFLOW', 'USER', 'TENANT')) not null, \`max_age\` bigint null, \`max_count\` integer null, \`enabled\` integer not null, \`last_applied_at\` bigint null, \`created_at\` bigint not null, \`updated_at\` bigint not null);`,
    );
    this.addSql(
      `create unique index \`retention_policy_tenant_id_target_scope_unique\` on \`retention_policy\` (\`tenant_id\`, \`target\`, \`scope\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`retention_policy\`;`);
  }
}
