import { Migration } from "@mikro-orm/migrations";

export class HistorySummaries202611302238 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_message\` add column \`summarizes_turn_seq\` integer null;`);
    this.addSql(
      `create index \`runs_message_summary_index\` on \`runs_message\` (\`stream_num\`, \`summarizes_turn_seq\`) where summarizes_turn_seq is not null;`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`runs_message_summary_index\`;`);
    this.addSql(`alter table \`runs_message\` drop column \`summarizes_turn_seq\`;`);
  }
}
