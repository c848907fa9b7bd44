import { Migration } from "@mikro-orm/migrations";

export class HistoryTokens202611302238 extends Migration {
  override up(): void {
    this.addSql(`alter table \`chat_thread\` add column \`history_tokens\` integer null;`);
  }

  override down(): void {
    this.addSql(`alter table \`chat_thread\` drop column \`history_tokens\`;`);
  }
}
