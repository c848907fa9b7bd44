import { Migration } from "@mikro-orm/migrations";

export class SmallIndexes202611292331 extends Migration {
  override up(): void {
    this.addSql(`drop index \`runs_run_blocked_by_id_index\`;`);
    this.addSql(`drop index \`runs_run_parent_id_index\`;`);
    this.addSql(`drop index \`runs_run_root_id_index\`;`);
    this.addSql(`drop index \`runs_run_status_due_at_index\`;`);
    this.addSql(`drop index \`runs_run_status_lease_until_index\`;`);
    this.addSql(`create index \`runs_run_parent_index\` on \`runs_run\` (\`parent_id\`) where parent_id is not null;`);
    this.addSql(`create index \`runs_run_blocked_index\` on \`runs_run\` (\`blocked_by_id\`) where blocked_by_id is not null;`);
    this.addSql(`create index \`runs_run_due_at_index\` on \`runs_run\` (\`due_at\`) where due_at is not null;`);
    this.addSql(`create index \`runs_run_lease_index\` on \`runs_run\` (\`lease_until\`) where lease_owner is not null;`);
    this.addSql(
      `create index \`runs_run_deadline_index\` on \`runs_run\` (\`deadline_at\`) where deadline_at is not null and finished_at is null;`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`runs_run_parent_index\`;`);
    this.addSql(`drop index \`runs_run_blocked_index\`;`);
    this.addSql(`drop index \`runs_run_due_at_index\`;`);
    this.addSql(`drop index \`runs_run_lease_index\`;`);
    this.addSql(`drop index \`runs_run_deadline_index\`;`);
    this.addSql(`create index \`runs_run_blocked_by_id_index\` on \`runs_run\` (\`blocked_by_id\`);`);
    this.addSql(`create index \`runs_run_parent_id_index\` on \`runs_run\` (\`parent_id\`);`);
    this.addSql(`create index \`runs_run_root_id_index\` on \`runs_run\` (\`root_id\`);`);
    this.addSql(`create index \`runs_run_status_due_at_index\` on \`runs_run\` (\`status\`, \`due_at\`);`);
    this.addSql(`create index \`runs_run_status_lease_until_index\` on \`runs_run\` (\`status\`, \`lease_until\`);`);
  }
}
