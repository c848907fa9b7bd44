import { Migration } from "@mikro-orm/migrations";

export class RunsOfSchedules202611300852 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_run\` add column \`schedule_id\` text null;`);
    this.addSql(`alter table \`runs_run\` add column \`schedule_tick_at\` bigint null;`);
    this.addSql(
      `create index \`runs_run_schedule_index\` on \`runs_run\` (\`schedule_id\`, \`created_at\`, \`id\`) where schedule_id is not null;`,
    );
    this.addSql(
      `create unique index \`runs_run_schedule_tick_unique\` on \`runs_run\` (\`schedule_id\`, \`schedule_tick_at\`) where schedule_id is not null;`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`runs_run_schedule_index\`;`);
    this.addSql(`drop index \`runs_run_schedule_tick_unique\`;`);
    this.addSql(`alter table \`runs_run\` drop column \`schedule_id\`;`);
    this.addSql(`alter table \`runs_run\` drop column \`schedule_tick_at\`;`);
  }
}
