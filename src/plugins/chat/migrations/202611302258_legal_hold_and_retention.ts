import { Migration } from "@mikro-orm/migrations";

export class LegalHoldAndRetention202611302258 extends Migration {
  override up(): void {
    this.addSql(`create index \`chat_thread_tenant_id_id_index\` on \`chat_thread\` (\`tenant_id\`, \`id\`);`);
    this.addSql(`create index \`chat_thread_retention_index\` on \`chat_thread\` (\`tenant_id\`, \`id\`) where retention is not null;`);
  }

  override down(): void {
    this.addSql(`drop index \`chat_thread_tenant_id_id_index\`;`);
    this.addSql(`drop index \`chat_thread_retention_index\`;`);
  }
}
