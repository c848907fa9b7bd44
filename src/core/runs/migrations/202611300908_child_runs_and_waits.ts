import { Migration } from "@mikro-orm/migrations";

export class ChildRunsAndWaits202611300908 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_run\` add column \`wakes\` integer not null default 0;`);
    this.addSql(`alter table \`runs_step\` add column \`node_key\` text null;`);
    this.addSql(`alter table \`runs_step\` add column \`iteration\` integer null;`);
    this.addSql(`alter table \`runs_step\` add column \`compensates_id\` text null;`);
    this.addSql(`alter table \`runs_step\` add column \`child_run_id\` text null;`);
    this.addSql(`alter table \`runs_step\` add column \`due_at\` bigint null;`);
    this.addSql(`create index \`runs_step_due_index\` on \`runs_step\` (\`run_id\`, \`due_at\`) where due_at is not null;`);
  }

  override down(): void {
    this.addSql(`alter table \`runs_run\` drop column \`wakes\`;`);
    this.addSql(`drop index \`runs_step_due_index\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`node_key\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`iteration\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`compensates_id\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`child_run_id\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`due_at\`;`);
  }
}
