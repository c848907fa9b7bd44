import { Migration } from "@mikro-orm/migrations";

export class ValuesByReference202611301210 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_value\` (\`stream_num\` integer not null, \`hash\` text not null, \`run_seq\` integer not null, \`bytes\` integer not null, \`refs\` text null, \`value\` text not null, primary key (\`stream_num\`, \`hash\`));`,
    );
    this.addSql(`alter table \`runs_run\` add column \`input_refs\` json null;`);
    this.addSql(`alter table \`runs_run\` add column \`output_refs\` json null;`);
    this.addSql(`alter table \`runs_run\` add column \`text_refs\` json null;`);
    this.addSql(`alter table \`runs_step\` add column \`input_refs\` json null;`);
    this.addSql(`alter table \`runs_step\` add column \`output_refs\` json null;`);
    this.addSql(`alter table \`runs_tool_call\` add column \`arguments_refs\` json null;`);
    this.addSql(`alter table \`runs_tool_call\` add column \`requested_refs\` json null;`);
    this.addSql(`alter table \`runs_tool_call\` add column \`result_refs\` json null;`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_value\`;`);
    this.addSql(`alter table \`runs_run\` drop column \`input_refs\`;`);
    this.addSql(`alter table \`runs_run\` drop column \`output_refs\`;`);
    this.addSql(`alter table \`runs_run\` drop column \`text_refs\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`input_refs\`;`);
    this.addSql(`alter table \`runs_step\` drop column \`output_refs\`;`);
    this.addSql(`alter table \`runs_tool_call\` drop column \`arguments_refs\`;`);
    this.addSql(`alter table \`runs_tool_call\` drop column \`requested_refs\`;`);
    this.addSql(`alter table \`runs_tool_call\` drop column \`result_refs\`;`);
  }
}
