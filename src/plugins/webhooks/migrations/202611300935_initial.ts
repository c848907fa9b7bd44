import { Migration } from "@mikro-orm/migrations";

export class Initial202611300935 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`webhooks_inbound\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`target_type\` text not null, \`target_field\` text not null, \`target_id\` text not null, \`secret_id\` text not null, \`previous_secret_id\` text null, \`previous_until\` bigint null, \`enabled\` integer not null, \`reason\` text null, \`last_used_at\` bigint null, \`created_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`webhooks_inbound_tenant_id_owner_id_created_at_id_index\` on \`webhooks_inbound\` (\`tenant_id\`, \`owner_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(
      `create table \`webhooks_webhook\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`url\` text not null, \`events\` json not null, \`secret_id\` text not null, \`previous_secret_id\` text null, \`previous_until\` bigint null, \`enabled\` integer not null, \`reason\` text null, \`failures\` integer not null default 0, \`created_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`webhooks_webhook_tenant_id_owner_id_created_at_id_index\` on \`webhooks_webhook\` (\`tenant_id\`, \`owner_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(
      `create table \`webhooks_delivery\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`webhook_id\` text not null, \`event\` text check (\`event\` in ('RUN_SUCCEEDED', 'RUN_FAILED', 'RUN_CANCELLED', 'INTERRUPT_RAISED', 'BUDGET_EXCEEDED')) not null, \`body\` text not null, \`status\` text check (\`status\` in ('PENDING', 'DELIVERED', 'FAILED')) not null, \`attempts\` integer not null default 0, \`tries\` integer not null default 0, \`response_status\` integer null, \`error\` text null, \`created_at\` bigint not null, \`delivered_at\` bigint null, \`next_attempt_at\` bigint null);`,
    );
    this.addSql(
      `create index \`webhooks_delivery_webhook_id_created_at_id_index\` on \`webhooks_delivery\` (\`webhook_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(`create index \`webhooks_delivery_created_at_index\` on \`webhooks_delivery\` (\`created_at\`);`);
    this.addSql(
      `create index \`webhooks_delivery_due_index\` on \`webhooks_delivery\` (\`webhook_id\`, \`next_attempt_at\`) where next_attempt_at is not null;`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`webhooks_inbound\`;`);
    this.addSql(`drop table if exists \`webhooks_webhook\`;`);
    this.addSql(`drop table if exists \`webhooks_delivery\`;`);
  }
}
