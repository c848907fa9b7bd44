import { Migration } from "@mikro-orm/migrations";

export class NativeExtras202611292125 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_message\` add column \`native\` json null;`);
  }

  override down(): void {
    this.addSql(`alter table \`runs_message\` drop column \`native\`;`);
  }
}
