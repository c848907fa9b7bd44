import { Migration } from "@mikro-orm/migrations";

export class OpenJobs202611302351 extends Migration {
  override up(): void {
    this.addSql(
      `create index \`runs_run_open_job_index\` on \`runs_run\` (\`tenant_id\`, \`target_id\`) where finished_at is null and target_type = 'Job';`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`runs_run_open_job_index\`;`);
  }
}
