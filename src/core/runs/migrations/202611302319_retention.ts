import { Migration } from "@mikro-orm/migrations";

export class Retention202611302319 extends Migration {
  override up(): void {
    this.addSql(
      `create index \`runs_checkpoint_tenant_id_created_at_id_index\` on \`runs_checkpoint\` (\`tenant_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(
      `create index \`runs_run_ended_index\` on \`runs_run\` (\`tenant_id\`, \`finished_at\`, \`id\`) where finished_at is not null and thread_id is null and parent_id is null;`,
    );
    this.addSql(`alter table \`runs_stream\` add column \`held\` integer not null default 0;`);
  }

  override down(): void {
    this.addSql(`drop index \`runs_checkpoint_tenant_id_created_at_id_index\`;`);
    this.addSql(`drop index \`runs_run_ended_index\`;`);
    this.addSql(`alter table \`runs_stream\` drop column \`held\`;`);
  }
}
