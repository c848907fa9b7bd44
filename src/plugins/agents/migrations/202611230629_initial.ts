import { Migration } from "@mikro-orm/migrations";

export class Initial202611230629 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`agents_agent\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`description\` text null, \`search_text\` text not null, \`status\` text check (\`status\` in ('DRAFT', 'ACTIVE', 'PAUSED', 'ARCHIVED')) not null, \`version\` integer not null, \`template_name\` text null, \`created_at\` bigint not null, \`updated_at\` bigint not null);`,
    );
    this.addSql(`create index \`agents_agent_tenant_id_created_at_id_index\` on \`agents_agent\` (\`tenant_id\`, \`created_at\`, \`id\`);`);
    this.addSql(`create unique index \`agents_agent_tenant_id_name_unique\` on \`agents_agent\` (\`tenant_id\`, \`name\`);`);
    this.addSql(
      `create table \`agents_version\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`agent_id\` text not null, \`version\` integer not null, \`definition\` json not null, \`note\` text null, \`created_at\` bigint not null);`,
    );
    this.addSql(`create unique index \`agents_version_agent_id_version_unique\` on \`agents_version\` (\`agent_id\`, \`version\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`agents_agent\`;`);
    this.addSql(`drop table if exists \`agents_version\`;`);
  }
}
