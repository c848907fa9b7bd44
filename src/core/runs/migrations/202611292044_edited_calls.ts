import { Migration } from "@mikro-orm/migrations";

export class EditedCalls202611292044 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_tool_call\` add column \`requested_arguments\` json null;`);
    // Until now only the interrupt kept what the model had asked for.
    this.addSql(
      `update \`runs_tool_call\` set \`requested_arguments\` = (select i.arguments from runs_interrupt i where i.tool_call_id = runs_tool_call.id and i.kind = 'TOOL_APPROVAL' and json_extract(i.decision, '$.kind') = 'EDIT') where id in (select tool_call_id from runs_interrupt where kind = 'TOOL_APPROVAL' and json_extract(decision, '$.kind') = 'EDIT');`,
    );
  }

  override down(): void {
    this.addSql(`alter table \`runs_tool_call\` drop column \`requested_arguments\`;`);
  }
}
