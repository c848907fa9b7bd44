import { Migration } from "@mikro-orm/migrations";

export class ThreadLists202611292035 extends Migration {
  override up(): void {
    this.addSql(
      `create index \`chat_thread_tenant_id_owner_id_agent_id_updated_at_id_index\` on \`chat_thread\` (\`tenant_id\`, \`owner_id\`, \`agent_id\`, \`updated_at\`, \`id\`);`,
    );
    this.addSql(`create index \`chat_thread_tenant_id_updated_at_id_index\` on \`chat_thread\` (\`tenant_id\`, \`updated_at\`, \`id\`);`);
  }

  override down(): void {
    this.addSql(`drop index \`chat_thread_tenant_id_owner_id_agent_id_updated_at_id_index\`;`);
    this.addSql(`drop index \`chat_thread_tenant_id_updated_at_id_index\`;`);
  }
}
