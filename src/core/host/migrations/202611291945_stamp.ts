import { Migration } from "@mikro-orm/migrations";

export class Stamp202611291945 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`platform_stamp\` (\`num\` integer not null primary key autoincrement, \`history\` text not null, \`count\` bigint not null, \`paired_at\` bigint not null);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`platform_stamp\`;`);
  }
}
