import { Migration } from "@mikro-orm/migrations";

export class Calls202612010248 extends Migration {
  override up(): void {
    this.addSql(`create table \`memory_call\` (\`key\` text not null primary key, \`num\` integer not null);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`memory_call\`;`);
  }
}
