import { Migration } from "@mikro-orm/migrations";

export class QuestionsAndCheckpoints202611251309 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_checkpoint\` (\`id\` text not null primary key, \`tenant_id\` text not null, \`owner_id\` text not null, \`run_id\` text not null, \`num\` integer not null, \`namespace\` text not null, \`name\` text not null, \`parent_id\` text null, \`step_id\` text null, \`format\` text not null, \`versions\` json not null, \`data\` json null, \`created_at\` bigint not null);`,
    );
    this.addSql(`create index \`runs_checkpoint_run_id_namespace_num_index\` on \`runs_checkpoint\` (\`run_id\`, \`namespace\`, \`num\`);`);
    this.addSql(
      `create unique index \`runs_checkpoint_run_id_namespace_name_unique\` on \`runs_checkpoint\` (\`run_id\`, \`namespace\`, \`name\`);`,
    );
    this.addSql(
      `create table \`runs_checkpoint_value\` (\`run_id\` text not null, \`namespace\` text not null, \`channel\` text not null, \`version\` text not null, \`base\` text null, \`keep\` integer not null, \`value\` text not null, primary key (\`run_id\`, \`namespace\`, \`channel\`, \`version\`));`,
    );
    this.addSql(
      `create table \`runs_checkpoint_write\` (\`run_id\` text not null, \`namespace\` text not null, \`checkpoint\` text not null, \`task\` text not null, \`place\` integer not null, \`channel\` text not null, \`value\` text not null, primary key (\`run_id\`, \`namespace\`, \`checkpoint\`, \`task\`, \`place\`));`,
    );
    this.addSql(`alter table \`runs_interrupt\` add column \`key\` text null;`);
    this.addSql(`create unique index \`runs_interrupt_run_id_key_unique\` on \`runs_interrupt\` (\`run_id\`, \`key\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_checkpoint\`;`);
    this.addSql(`drop table if exists \`runs_checkpoint_value\`;`);
    this.addSql(`drop table if exists \`runs_checkpoint_write\`;`);
    this.addSql(`drop index \`runs_interrupt_run_id_key_unique\`;`);
    this.addSql(`alter table \`runs_interrupt\` drop column \`key\`;`);
  }
}
