import { Migration } from "@mikro-orm/migrations";

export class Initial202611300926 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`workflows_workflow\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`description\` text null, \`search_text\` text not null, \`archived\` integer not null, \`version\` integer not null, \`origin\` text null, \`content_hash\` text null, \`created_at\` bigint not null, \`updated_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`workflows_workflow_tenant_id_created_at_id_index\` on \`workflows_workflow\` (\`tenant_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(`create unique index \`workflows_workflow_tenant_id_name_unique\` on \`workflows_workflow\` (\`tenant_id\`, \`name\`);`);
    this.addSql(
      `create table \`workflows_version\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`workflow_id\` text not null, \`version\` integer not null, \`definition\` json not null, \`created_at\` bigint not null);`,
    );
    this.addSql(
      `create unique index \`workflows_version_workflow_id_version_unique\` on \`workflows_version\` (\`workflow_id\`, \`version\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`workflows_workflow\`;`);
    this.addSql(`drop table if exists \`workflows_version\`;`);
  }
}
