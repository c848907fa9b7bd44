import { Migration } from "@mikro-orm/migrations";

export class StorageTotals202611292341 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_storage\` (\`tenant_id\` text not null, \`owner_id\` text not null, \`bytes\` bigint not null, primary key (\`tenant_id\`, \`owner_id\`));`,
    );
    this.addSql(`alter table \`runs_stream\` add column \`bytes\` bigint not null default '0';`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_storage\`;`);
    this.addSql(`alter table \`runs_stream\` drop column \`bytes\`;`);
  }
}
