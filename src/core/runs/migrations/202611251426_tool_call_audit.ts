import { Migration } from "@mikro-orm/migrations";

export class ToolCallAudit202611251426 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_tool_call_audit\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`target_type\` text not null, \`target_id\` text not null, \`target_name\` text not null, \`tool\` text not null, \`side_effects\` text null, \`arguments_hash\` text null, \`status\` text check (\`status\` in ('SUCCESS', 'ERROR', 'DENIED', 'CANCELLED')) not null, \`attempts\` integer not null, \`decision\` text check (\`decision\` in ('APPROVE', 'EDIT', 'REJECT', 'ANSWER')) null, \`decided_by\` text null, \`decided_at\` bigint null, \`requested_at\` bigint not null, \`started_at\` bigint null, \`finished_at\` bigint not null, \`ms\` integer null);`,
    );
    this.addSql(`create index \`runs_tool_call_audit_run_id_index\` on \`runs_tool_call_audit\` (\`run_id\`);`);
    this.addSql(
      `create index \`runs_tool_call_audit_tenant_id_owner_id_finished_at_id_index\` on \`runs_tool_call_audit\` (\`tenant_id\`, \`owner_id\`, \`finished_at\`, \`id\`);`,
    );
    this.addSql(
      `create index \`runs_tool_call_audit_tenant_id_finished_at_id_index\` on \`runs_tool_call_audit\` (\`tenant_id\`, \`finished_at\`, \`id\`);`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_tool_call_audit\`;`);
  }
}
