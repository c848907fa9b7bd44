import { Migration } from "@mikro-orm/migrations";

export class FlatWithSize202611292003 extends Migration {
  override up(): void {
    this.addSql(`alter table \`runs_message\` add column \`turn_seq\` integer not null default 0;`);
    this.addSql(
      `update runs_message set turn_seq = coalesce((select r.start_seq from runs_run r where r.id = runs_message.run_id), start_seq);`,
    );
    this.addSql(
      `create index \`runs_message_stream_num_turn_seq_start_seq_index\` on \`runs_message\` (\`stream_num\`, \`turn_seq\`, \`start_seq\`);`,
    );
    this.addSql(`alter table \`runs_stream\` add column \`compactable_at\` bigint null;`);
    this.addSql(`update runs_stream set compactable_at = 0 where deleted = 0 and horizon < head;`);
    this.addSql(`create index \`runs_stream_compactable_index\` on \`runs_stream\` (\`compactable_at\`) where compactable_at is not null;`);
  }

  override down(): void {
    this.addSql(`drop index \`runs_message_stream_num_turn_seq_start_seq_index\`;`);
    this.addSql(`alter table \`runs_message\` drop column \`turn_seq\`;`);
    this.addSql(`drop index \`runs_stream_compactable_index\`;`);
    this.addSql(`alter table \`runs_stream\` drop column \`compactable_at\`;`);
  }
}
