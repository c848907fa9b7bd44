import { Migration } from "@mikro-orm/migrations";

export class OpenRuns202611251318 extends Migration {
  override up(): void {
    this.addSql(`create index \`runs_run_open_index\` on \`runs_run\` (\`tenant_id\`, \`owner_id\`) where finished_at is null;`);
  }

  override down(): void {
    this.addSql(`drop index \`runs_run_open_index\`;`);
  }
}
