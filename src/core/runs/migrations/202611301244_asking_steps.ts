import { Migration } from "@mikro-orm/migrations";

export class AskingSteps202611301244 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_interrupt\` add column \`step_id\` text null;`);
  }

  override down(): void {
    this.addSql(`alter table \`runs_interrupt\` drop column \`step_id\`;`);
  }
}
