import { Migration } from "@mikro-orm/migrations";

export class SealedValues202611300903 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`platform_sealed_value\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`purpose\` text not null, \`key_id\` text not null, \`sealed\` text not null, \`created_at\` bigint not null);`,
    );
    this.addSql(`create index \`platform_sealed_value_key_id_index\` on \`platform_sealed_value\` (\`key_id\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`platform_sealed_value\`;`);
  }
}
