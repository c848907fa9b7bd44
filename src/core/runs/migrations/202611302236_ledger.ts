import { Migration } from "@mikro-orm/migrations";

export class Ledger202611302236 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_usage_sum\` (\`tenant_id\` text not null, \`owner_id\` text not null, \`grain\` text check (\`grain\` in ('HOUR', 'DAY')) not null, \`dimension\` text check (\`dimension\` in ('ALL', 'AGENT', 'WORKFLOW', 'MODEL', 'THREAD')) not null, \`starts_at\` bigint not null, \`key\` text not null, \`calls\` bigint not null, \`unpriced\` bigint not null, \`estimated\` bigint not null, \`input_tokens\` bigint not null, \`output_tokens\` bigint not null, \`cached_input_tokens\` bigint null, \`reasoning_tokens\` bigint null, \`nanos\` bigint not null, \`price_sources\` text not null, primary key (\`tenant_id\`, \`owner_id\`, \`grain\`, \`dimension\`, \`starts_at\`, \`key\`));`,
    );
    this.addSql(`create index \`runs_usage_sum_thread_index\` on \`runs_usage_sum\` (\`key\`) where dimension = 'THREAD';`);
    this.addSql(`alter table \`runs_usage\` add column \`root_id\` text not null default '';`);
    this.addSql(`alter table \`runs_usage\` add column \`thread_id\` text null;`);
    this.addSql(`alter table \`runs_usage\` add column \`target_type\` text not null default '';`);
    this.addSql(`alter table \`runs_usage\` add column \`workflow_id\` text null;`);
    this.addSql(`alter table \`runs_usage\` add column \`cost_nanos\` bigint null;`);
    this.addSql(`alter table \`runs_usage\` add column \`price_source\` text null;`);
    this.addSql(`alter table \`runs_usage\` add column \`summed\` integer not null default 0;`);
    this.addSql(
      `create index \`runs_usage_tenant_id_owner_id_created_at_index\` on \`runs_usage\` (\`tenant_id\`, \`owner_id\`, \`created_at\`);`,
    );
    this.addSql(`create index \`runs_usage_tenant_id_created_at_index\` on \`runs_usage\` (\`tenant_id\`, \`created_at\`);`);
    this.addSql(`create index \`runs_usage_new_index\` on \`runs_usage\` (\`id\`) where summed = 0;`);
    // What stands there already: its links as far as they are known; simulated answers cost nothing, and the price of others is not known.
    this.addSql(
      `update \`runs_usage\` set (\`root_id\`, \`thread_id\`, \`target_type\`, \`workflow_id\`) = (select t.\`id\`, t.\`thread_id\`, r.\`target_type\`, case when t.\`target_type\` = 'Workflow' then t.\`target_id\` end from \`runs_run\` r join \`runs_run\` t on t.\`id\` = r.\`root_id\` where r.\`id\` = \`runs_usage\`.\`run_id\`) where exists (select 1 from \`runs_run\` r join \`runs_run\` t on t.\`id\` = r.\`root_id\` where r.\`id\` = \`runs_usage\`.\`run_id\`);`,
    );
    this.addSql(`update \`runs_usage\` set \`cost_nanos\` = 0, \`price_source\` = 'simulated' where \`provenance\` = 'SIMULATED';`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_usage_sum\`;`);
    this.addSql(`drop index \`runs_usage_tenant_id_owner_id_created_at_index\`;`);
    this.addSql(`drop index \`runs_usage_tenant_id_created_at_index\`;`);
    this.addSql(`drop index \`runs_usage_new_index\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`root_id\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`thread_id\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`target_type\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`workflow_id\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`cost_nanos\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`price_source\`;`);
    this.addSql(`alter table \`runs_usage\` drop column \`summed\`;`);
  }
}
