import { Migration } from "@mikro-orm/migrations";

export class ImportedThreads202611302328 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`chat_imported_thread\` (\`tenant_id\` text not null, \`owner_id\` text not null, \`key\` text not null, \`thread_id\` text not null, primary key (\`tenant_id\`, \`owner_id\`, \`key\`));`,
    );
    this.addSql(`create index \`chat_imported_thread_thread_id_index\` on \`chat_imported_thread\` (\`thread_id\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`chat_imported_thread\`;`);
  }
}
