import { Migration } from "@mikro-orm/migrations";

export class Pause202611301000 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_run\` add column \`pause_requested\` integer not null default 0;`);
  }

  override down(): void {
    this.addSql(`alter table \`runs_run\` drop column \`pause_requested\`;`);
  }
}
