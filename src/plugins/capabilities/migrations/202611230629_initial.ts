import { Migration } from "@mikro-orm/migrations";

export class Initial202611230629 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`capabilities_outbox\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`idempotency_key\` text not null, \`recipient\` text not null, \`subject\` text not null, \`body\` text not null, \`created_at\` bigint not null);`,
    );
    this.addSql(`create index \`capabilities_outbox_run_id_index\` on \`capabilities_outbox\` (\`run_id\`);`);
    this.addSql(`create unique index \`capabilities_outbox_idempotency_key_unique\` on \`capabilities_outbox\` (\`idempotency_key\`);`);
    this.addSql(
      `create index \`capabilities_outbox_tenant_id_owner_id_created_at_index\` on \`capabilities_outbox\` (\`tenant_id\`, \`owner_id\`, \`created_at\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`capabilities_outbox\`;`);
  }
}
