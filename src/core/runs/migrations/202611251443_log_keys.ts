import { Migration } from "@mikro-orm/migrations";

export class LogKeys202611251443 extends Migration {
  override up(): void {
    this.addSql(`drop index \`runs_event_stream_num_run_seq_event_key_unique\`;`);
    this.addSql(
      `create unique index \`runs_event_key_unique\` on \`runs_event\` (\`stream_num\`, \`run_seq\`, \`event_key\`) where event_key is not null;`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`runs_event_key_unique\`;`);
    this.addSql(
      `create unique index \`runs_event_stream_num_run_seq_event_key_unique\` on \`runs_event\` (\`stream_num\`, \`run_seq\`, \`event_key\`);`,
    );
  }
}
