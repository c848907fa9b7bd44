import { Migration } from "@mikro-orm/migrations";

export class OpenRunsOfThreads202611300604 extends Migration {
  override up(): void {
    this.addSql(`drop index \`runs_run_thread_id_status_index\`;`);
    this.addSql(`create index \`runs_run_thread_id_created_at_id_index\` on \`runs_run\` (\`thread_id\`, \`created_at\`, \`id\`);`);
    this.addSql(`create index \`runs_run_open_thread_index\` on \`runs_run\` (\`thread_id\`) where finished_at is null;`);
    this.addSql(`create index \`runs_run_regenerates_index\` on \`runs_run\` (\`regenerates_id\`) where regenerates_id is not null;`);
  }

  override down(): void {
    this.addSql(`drop index \`runs_run_thread_id_created_at_id_index\`;`);
    this.addSql(`drop index \`runs_run_open_thread_index\`;`);
    this.addSql(`drop index \`runs_run_regenerates_index\`;`);
    this.addSql(`create index \`runs_run_thread_id_status_index\` on \`runs_run\` (\`thread_id\`, \`status\`);`);
  }
}
