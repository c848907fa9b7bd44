import { Migration } from "@mikro-orm/migrations";

export class Initial202611230639 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_event\` (\`stream_num\` integer not null, \`seq\` integer not null, \`run_seq\` integer null, \`at\` bigint not null, \`kind\` text not null, \`payload\` text not null, \`event_key\` text null, primary key (\`stream_num\`, \`seq\`));`,
    );
    this.addSql(
      `create unique index \`runs_event_stream_num_run_seq_event_key_unique\` on \`runs_event\` (\`stream_num\`, \`run_seq\`, \`event_key\`);`,
    );
    this.addSql(
      `create table \`runs_interrupt\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`stream_num\` integer not null, \`seq\` integer not null, \`kind\` text check (\`kind\` in ('TOOL_APPROVAL', 'INPUT', 'REVIEW', 'BUDGET', 'UNCERTAIN')) not null, \`status\` text check (\`status\` in ('PENDING', 'RESOLVED', 'EXPIRED', 'CANCELLED')) not null, \`tool_call_id\` text null, \`tool_name\` text null, \`arguments\` json null, \`arguments_hash\` text null, \`message\` text not null, \`response_schema\` json null, \`allowed\` json not null, \`decision\` json null, \`created_at\` bigint not null, \`expires_at\` bigint null);`,
    );
    this.addSql(`create index \`runs_interrupt_run_id_index\` on \`runs_interrupt\` (\`run_id\`);`);
    this.addSql(`create index \`runs_interrupt_tool_call_id_index\` on \`runs_interrupt\` (\`tool_call_id\`);`);
    this.addSql(`create index \`runs_interrupt_status_expires_at_index\` on \`runs_interrupt\` (\`status\`, \`expires_at\`);`);
    this.addSql(
      `create index \`runs_interrupt_tenant_id_owner_id_created_at_index\` on \`runs_interrupt\` (\`tenant_id\`, \`owner_id\`, \`created_at\`);`,
    );
    this.addSql(
      `create table \`runs_message\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`stream_num\` integer not null, \`start_seq\` integer not null, \`seq\` integer not null, \`thread_id\` text null, \`run_id\` text null, \`role\` text check (\`role\` in ('USER', 'ASSISTANT', 'SYSTEM', 'TOOL')) not null, \`status\` text check (\`status\` in ('STREAMING', 'COMPLETE', 'FAILED', 'CANCELLED')) not null, \`parts\` json not null, \`author_id\` text null, \`agent_id\` text null, \`agent_name\` text null, \`superseded_by_id\` text null, \`provenance\` text check (\`provenance\` in ('LIVE', 'SIMULATED', 'REPLAYED')) null, \`created_at\` bigint not null);`,
    );
    this.addSql(`create index \`runs_message_run_id_index\` on \`runs_message\` (\`run_id\`);`);
    this.addSql(`create index \`runs_message_stream_num_start_seq_index\` on \`runs_message\` (\`stream_num\`, \`start_seq\`);`);
    this.addSql(
      `create table \`runs_run\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`stream_num\` integer not null, \`start_seq\` integer not null, \`seq\` integer not null, \`thread_id\` text null, \`root_id\` text not null, \`parent_id\` text null, \`retry_of_id\` text null, \`blocked_by_id\` text null, \`regenerates_id\` text null, \`target_type\` text not null, \`target_id\` text not null, \`target_name\` text not null, \`target_version\` integer null, \`trigger\` text check (\`trigger\` in ('API', 'CHAT', 'SCHEDULE', 'WEBHOOK', 'PARENT', 'RETRY', 'PLATFORM')) not null, \`status\` text check (\`status\` in ('QUEUED', 'RUNNING', 'WAITING', 'PAUSED', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')) not null, \`provenance\` text check (\`provenance\` in ('LIVE', 'SIMULATED', 'REPLAYED')) null, \`input\` json null, \`output\` json null, \`text\` text null, \`failure\` json null, \`usage\` json null, \`limits\` json not null, \`settings\` json not null, \`progress_done\` bigint null, \`progress_total\` bigint null, \`cancel_reason\` text null, \`epoch\` integer not null default 0, \`lease_owner\` text null, \`lease_until\` bigint null, \`due_at\` bigint null, \`takeovers\` integer not null default 0, \`deadline_at\` bigint null, \`created_at\` bigint not null, \`started_at\` bigint null, \`finished_at\` bigint null);`,
    );
    this.addSql(`create index \`runs_run_root_id_index\` on \`runs_run\` (\`root_id\`);`);
    this.addSql(`create index \`runs_run_parent_id_index\` on \`runs_run\` (\`parent_id\`);`);
    this.addSql(`create index \`runs_run_blocked_by_id_index\` on \`runs_run\` (\`blocked_by_id\`);`);
    this.addSql(
      `create index \`runs_run_tenant_id_owner_id_created_at_index\` on \`runs_run\` (\`tenant_id\`, \`owner_id\`, \`created_at\`);`,
    );
    this.addSql(`create index \`runs_run_thread_id_status_index\` on \`runs_run\` (\`thread_id\`, \`status\`);`);
    this.addSql(`create index \`runs_run_target_id_created_at_index\` on \`runs_run\` (\`target_id\`, \`created_at\`);`);
    this.addSql(`create index \`runs_run_status_due_at_index\` on \`runs_run\` (\`status\`, \`due_at\`);`);
    this.addSql(`create index \`runs_run_status_lease_until_index\` on \`runs_run\` (\`status\`, \`lease_until\`);`);
    this.addSql(`create unique index \`runs_run_stream_num_start_seq_unique\` on \`runs_run\` (\`stream_num\`, \`start_seq\`);`);
    this.addSql(
      `create table \`runs_step\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`num\` integer not null, \`key\` text not null, \`name\` text not null, \`kind\` text check (\`kind\` in ('MODEL', 'TOOL', 'NODE', 'AGENT', 'TASK', 'MEMORY')) not null, \`status\` text check (\`status\` in ('RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED')) not null, \`attempt\` integer not null, \`parent_id\` text null, \`provenance\` text check (\`provenance\` in ('LIVE', 'SIMULATED', 'REPLAYED')) null, \`input\` json null, \`output\` json null, \`error\` text null, \`started_at\` bigint not null, \`finished_at\` bigint null);`,
    );
    this.addSql(`create index \`runs_step_run_id_index\` on \`runs_step\` (\`run_id\`);`);
    this.addSql(
      `create table \`runs_stream\` (\`num\` integer not null primary key autoincrement, \`id\` text not null, \`tenant_id\` text not null, \`owner_id\` text not null, \`kind\` text check (\`kind\` in ('THREAD', 'RUN')) not null, \`head\` integer not null default 0, \`horizon\` integer not null default 0, \`deleted\` integer not null default false);`,
    );
    this.addSql(`create unique index \`runs_stream_id_unique\` on \`runs_stream\` (\`id\`);`);
    this.addSql(
      `create table \`runs_tool_call\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`num\` integer not null, \`message_id\` text null, \`part\` integer null, \`step_id\` text null, \`call_id\` text not null, \`name\` text not null, \`arguments\` json null, \`arguments_hash\` text null, \`side_effects\` text null, \`status\` text check (\`status\` in ('REQUESTED', 'AWAITING_APPROVAL', 'RUNNING', 'SUCCESS', 'ERROR', 'DENIED', 'CANCELLED')) not null, \`attempt\` integer not null default 0, \`result\` json null, \`error\` text null, \`created_at\` bigint not null, \`started_at\` bigint null, \`finished_at\` bigint null);`,
    );
    this.addSql(`create index \`runs_tool_call_run_id_index\` on \`runs_tool_call\` (\`run_id\`);`);
    this.addSql(
      `create table \`runs_usage\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`step_id\` text null, \`target_id\` text not null, \`provider\` text not null, \`model\` text not null, \`provenance\` text not null, \`input_tokens\` bigint not null, \`output_tokens\` bigint not null, \`cached_input_tokens\` bigint null, \`reasoning_tokens\` bigint null, \`estimated\` integer not null, \`created_at\` bigint not null);`,
    );
    this.addSql(`create index \`runs_usage_run_id_index\` on \`runs_usage\` (\`run_id\`);`);
    this.addSql(`create index \`runs_usage_target_id_index\` on \`runs_usage\` (\`target_id\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_event\`;`);
    this.addSql(`drop table if exists \`runs_interrupt\`;`);
    this.addSql(`drop table if exists \`runs_message\`;`);
    this.addSql(`drop table if exists \`runs_run\`;`);
    this.addSql(`drop table if exists \`runs_step\`;`);
    this.addSql(`drop table if exists \`runs_stream\`;`);
    this.addSql(`drop table if exists \`runs_tool_call\`;`);
    this.addSql(`drop table if exists \`runs_usage\`;`);
  }
}
