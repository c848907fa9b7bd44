import { Migration } from "@mikro-orm/migrations";

export class DueRuns202611292109 extends Migration {
  override up(): void {
    this.addSql(`create index \`runs_run_due_index\` on \`runs_run\` (\`tenant_id\`, \`owner_id\`, \`due_at\`) where due_at is not null;`);
  }

  override down(): void {
    this.addSql(`drop index \`runs_run_due_index\`;`);
  }
}
