import { Migration } from "@mikro-orm/migrations";

export class Initial202611300924 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`schedules_schedule\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`target_type\` text not null, \`target_field\` text not null, \`target_id\` text not null, \`input\` json null, \`text\` text null, \`thread_id\` text null, \`limits\` json not null, \`cron\` text not null, \`time_zone\` text not null, \`missed_ticks\` text check (\`missed_ticks\` in ('SKIP', 'RUN_ONCE', 'RUN_ALL')) not null, \`overlap\` text check (\`overlap\` in ('SKIP', 'QUEUE', 'CANCEL_PREVIOUS')) not null, \`enabled\` integer not null, \`reason\` text null, \`next_at\` bigint null, \`last_tick_at\` bigint null, \`last_run_id\` text null, \`created_at\` bigint not null, \`updated_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`schedules_schedule_tenant_id_owner_id_created_at_id_index\` on \`schedules_schedule\` (\`tenant_id\`, \`owner_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(`create index \`schedules_schedule_due_index\` on \`schedules_schedule\` (\`next_at\`, \`id\`) where next_at is not null;`);
    this.addSql(
      `create unique index \`schedules_schedule_tenant_id_owner_id_name_unique\` on \`schedules_schedule\` (\`tenant_id\`, \`owner_id\`, \`name\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`schedules_schedule\`;`);
  }
}
