import { Migration } from "@mikro-orm/migrations";

export class Initial202611230633 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`chat_thread\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`stream_num\` integer not null, \`title\` text null, \`search_title\` text null, \`agent_id\` text null, \`history_limit\` integer not null, \`retention\` bigint null, \`simulated_allowed\` integer not null, \`metadata\` json not null, \`forked_from_message_id\` text null, \`archived\` integer not null default false, \`created_at\` bigint not null, \`updated_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`chat_thread_tenant_id_owner_id_updated_at_id_index\` on \`chat_thread\` (\`tenant_id\`, \`owner_id\`, \`updated_at\`, \`id\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`chat_thread\`;`);
  }
}
