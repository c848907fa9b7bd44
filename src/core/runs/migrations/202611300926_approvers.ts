import { Migration } from "@mikro-orm/migrations";

export class Approvers202611300926 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_approver\` (\`interrupt_id\` text not null, \`principal\` text not null, \`tenant_id\` text not null, \`run_id\` text not null, \`status\` text check (\`status\` in ('PENDING', 'RESOLVED', 'EXPIRED', 'CANCELLED')) not null, \`created_at\` bigint not null, primary key (\`interrupt_id\`, \`principal\`));`,
    );
    this.addSql(
      `create index \`runs_approver_tenant_id_principal_status_created_at_interrupt_id_index\` on \`runs_approver\` (\`tenant_id\`, \`principal\`, \`status\`, \`created_at\`, \`interrupt_id\`);`,
    );
    this.addSql(`create index \`runs_approver_run_id_principal_index\` on \`runs_approver\` (\`run_id\`, \`principal\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_approver\`;`);
  }
}
