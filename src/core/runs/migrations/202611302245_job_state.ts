import { Migration } from "@mikro-orm/migrations";

export class JobState202611302245 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_job_state\` (\`run_id\` text not null primary key, \`state\` text not null, \`saved_at\` bigint not null);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_job_state\`;`);
  }
}
