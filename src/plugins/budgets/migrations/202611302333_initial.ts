import { Migration } from "@mikro-orm/migrations";

export class Initial202611302333 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`budgets_budget\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`scope\` text check (\`scope\` in ('TENANT', 'USER', 'AGENT', 'THREAD', 'RUN')) not null, \`scope_id\` text not null, \`period_ms\` bigint not null, \`time_zone\` text null, \`max_nanos\` bigint null, \`token_limit\` bigint null, \`on_exceed\` text check (\`on_exceed\` in ('DENY', 'PAUSE')) not null, \`created_at\` bigint not null);`,
    );
    this.addSql(
      `create index \`budgets_budget_tenant_id_created_at_id_index\` on \`budgets_budget\` (\`tenant_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(
      `create unique index \`budgets_budget_tenant_id_scope_scope_id_period_ms_unique\` on \`budgets_budget\` (\`tenant_id\`, \`scope\`, \`scope_id\`, \`period_ms\`);`,
    );
    this.addSql(
      `create table \`budgets_account\` (\`id\` text not null primary key, \`budget_id\` text null, \`run_id\` text null, \`calls\` bigint not null default '0', \`unpriced\` bigint not null default '0', \`estimated\` integer not null default 0, \`input\` bigint not null default '0', \`output\` bigint not null default '0', \`nanos\` bigint not null default '0', \`sources\` text not null default '', \`held_calls\` bigint not null default '0', \`held_input\` bigint not null default '0', \`held_output\` bigint not null default '0', \`held_nanos\` bigint not null default '0', \`lifted_nanos\` bigint not null default '0', \`lifted_tokens\` bigint not null default '0');`,
    );
    this.addSql(`create index \`budgets_account_budget_id_index\` on \`budgets_account\` (\`budget_id\`);`);
    this.addSql(`create index \`budgets_account_run_id_index\` on \`budgets_account\` (\`run_id\`);`);
    this.addSql(`create table \`budgets_lift\` (\`interrupt_id\` text not null primary key, \`run_id\` text not null);`);
    this.addSql(`create index \`budgets_lift_run_id_index\` on \`budgets_lift\` (\`run_id\`);`);
    this.addSql(
      `create table \`budgets_call\` (\`id\` text not null primary key, \`run_id\` text not null, \`epoch\` integer not null, \`state\` text check (\`state\` in ('OPEN', 'LOST')) not null, \`accounts\` json not null, \`provider\` text not null, \`model\` text not null, \`provenance\` text check (\`provenance\` in ('LIVE', 'SIMULATED')) not null, \`input\` bigint not null, \`output\` bigint not null, \`nanos\` bigint null);`,
    );
    this.addSql(`create index \`budgets_call_run_id_index\` on \`budgets_call\` (\`run_id\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`budgets_budget\`;`);
    this.addSql(`drop table if exists \`budgets_account\`;`);
    this.addSql(`drop table if exists \`budgets_lift\`;`);
    this.addSql(`drop table if exists \`budgets_call\`;`);
  }
}
