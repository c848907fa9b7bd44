import { Migration } from "@mikro-orm/migrations";

export class Signals202611300934 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`runs_signal\` (\`id\` text not null primary key, \`run_id\` text not null, \`num\` integer not null, \`name\` text not null, \`payload\` json null, \`at\` bigint not null, \`taken_by\` text null);`,
    );
    this.addSql(`create index \`runs_signal_taken_by_index\` on \`runs_signal\` (\`taken_by\`);`);
    this.addSql(`create index \`runs_signal_untaken_index\` on \`runs_signal\` (\`run_id\`, \`name\`, \`num\`) where taken_by is null;`);
    this.addSql(`create unique index \`runs_signal_run_id_num_unique\` on \`runs_signal\` (\`run_id\`, \`num\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`runs_signal\`;`);
  }
}
