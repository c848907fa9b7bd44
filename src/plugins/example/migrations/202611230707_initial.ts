import { Migration } from "@mikro-orm/migrations";

export class Initial202611230707 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`example_note\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`text\` text not null, \`created_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`example_note_tenant_id_owner_id_created_at_index\` on \`example_note\` (\`tenant_id\`, \`owner_id\`, \`created_at\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`example_note\`;`);
  }
}
