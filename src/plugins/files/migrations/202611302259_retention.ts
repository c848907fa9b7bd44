import { Migration } from "@mikro-orm/migrations";

export class Retention202611302259 extends Migration {
  override up(): void {
    this.addSql(`create index \`files_file_tenant_id_created_at_id_index\` on \`files_file\` (\`tenant_id\`, \`created_at\`, \`id\`);`);
  }

  override down(): void {
    this.addSql(`drop index \`files_file_tenant_id_created_at_id_index\`;`);
  }
}
