import { Migration } from "@mikro-orm/migrations";

export class Initial202611251423 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`langgraph_item\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`namespace\` text not null, \`key\` text not null, \`value\` json not null, \`created_at\` bigint not null, \`updated_at\` bigint not null);`,
    );
    this.addSql(
      `create unique index \`langgraph_item_tenant_id_owner_id_namespace_key_unique\` on \`langgraph_item\` (\`tenant_id\`, \`owner_id\`, \`namespace\`, \`key\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`langgraph_item\`;`);
  }
}
