import { Migration } from "@mikro-orm/migrations";

export class Initial202611251422 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`files_use\` (\`file_id\` text not null, \`thread_id\` text not null, \`tenant_id\` text not null, \`owner_id\` text not null, primary key (\`file_id\`, \`thread_id\`));`,
    );
    this.addSql(`create index \`files_use_thread_id_index\` on \`files_use\` (\`thread_id\`);`);
    this.addSql(
      `create table \`files_file\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`media_type\` text not null, \`size\` bigint not null, \`sha256\` text null, \`created_at\` bigint not null, \`uploaded_at\` bigint null);`,
    );
    this.addSql(`create index \`files_file_tenant_id_owner_id_index\` on \`files_file\` (\`tenant_id\`, \`owner_id\`);`);
    this.addSql(`create index \`files_file_created_at_index\` on \`files_file\` (\`created_at\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`files_use\`;`);
    this.addSql(`drop table if exists \`files_file\`;`);
  }
}
