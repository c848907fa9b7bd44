import { Migration } from "@mikro-orm/migrations";

export class RunSums202612010254 extends Migration {
  override up(): void {
    this.addSql(`create table \`runs_run_ended\` (\`run_id\` text not null primary key);`);
    this.addSql(
      `create table \`runs_run_sum\` (\`tenant_id\` text not null, \`owner_id\` text not null, \`key\` text not null, \`grain\` text check (\`grain\` in ('HOUR', 'DAY')) not null, \`starts_at\` bigint not null, \`spans\` json not null, primary key (\`tenant_id\`, \`owner_id\`, \`key\`, \`grain\`, \`starts_at\`));`,
    );
    // Those that ended before are added to the sums like others, some at a time.
    this.addSql(`insert into \`runs_run_ended\` (\`run_id\`) select \`id\` from \`runs_run\` where \`finished_at\` is not null;`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_run_ended\`;`);
    this.addSql(`drop table if exists \`runs_run_sum\`;`);
  }
}
