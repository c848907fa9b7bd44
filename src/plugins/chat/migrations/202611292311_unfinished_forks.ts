import { Migration } from "@mikro-orm/migrations";

export class UnfinishedForks202611292311 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`chat_fork\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`stream_num\` integer not null);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`chat_fork\`;`);
  }
}
