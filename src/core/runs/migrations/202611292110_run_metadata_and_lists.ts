import { Migration } from "@mikro-orm/migrations";

export class RunMetadataAndLists202611292110 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_run_metadata\` (\`run_id\` text not null, \`name\` text not null, \`tenant_id\` text not null, \`owner_id\` text not null, \`value_hash\` text not null, primary key (\`run_id\`, \`name\`));`,
    );
    this.addSql(
      `create index \`runs_run_metadata_tenant_id_name_value_hash_owner_id_run_id_index\` on \`runs_run_metadata\` (\`tenant_id\`, \`name\`, \`value_hash\`, \`owner_id\`, \`run_id\`);`,
    );
    this.addSql(
      `create index \`runs_interrupt_tenant_id_status_created_at_index\` on \`runs_interrupt\` (\`tenant_id\`, \`status\`, \`created_at\`);`,
    );
    this.addSql(
      `create index \`runs_interrupt_tenant_id_owner_id_status_created_at_index\` on \`runs_interrupt\` (\`tenant_id\`, \`owner_id\`, \`status\`, \`created_at\`);`,
    );
    this.addSql(`create index \`runs_interrupt_stream_num_created_at_index\` on \`runs_interrupt\` (\`stream_num\`, \`created_at\`);`);
    this.addSql(`alter table \`runs_run\` add column \`metadata\` json null;`);
    this.addSql(`create index \`runs_run_tenant_id_created_at_index\` on \`runs_run\` (\`tenant_id\`, \`created_at\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_run_metadata\`;`);
    this.addSql(`drop index \`runs_interrupt_tenant_id_status_created_at_index\`;`);
    this.addSql(`drop index \`runs_interrupt_tenant_id_owner_id_status_created_at_index\`;`);
    this.addSql(`drop index \`runs_interrupt_stream_num_created_at_index\`;`);
    this.addSql(`drop index \`runs_run_tenant_id_created_at_index\`;`);
    this.addSql(`alter table \`runs_run\` drop column \`metadata\`;`);
  }
}
