import { Migration } from "@mikro-orm/migrations";

export class FileList202611292035 extends Migration {
  override up(): void {
    this.addSql(`drop index \`files_file_tenant_id_owner_id_index\`;`);
    this.addSql(`alter table \`files_file\` add column \`search_name\` text null;`);
    this.addSql(
      `create index \`files_file_tenant_id_owner_id_created_at_id_index\` on \`files_file\` (\`tenant_id\`, \`owner_id\`, \`created_at\`, \`id\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`files_file_tenant_id_owner_id_created_at_id_index\`;`);
    this.addSql(`alter table \`files_file\` drop column \`search_name\`;`);
    this.addSql(`create index \`files_file_tenant_id_owner_id_index\` on \`files_file\` (\`tenant_id\`, \`owner_id\`);`);
  }
}
