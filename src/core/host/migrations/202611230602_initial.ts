import { Migration } from "@mikro-orm/migrations";

export class Initial202611230602 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`platform_actor\` (\`tenant_id\` text not null, \`id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`kind\` text check (\`kind\` in ('USER', 'AGENT', 'SYSTEM')) not null, primary key (\`tenant_id\`, \`id\`));`,
    );
    this.addSql(
      `create table \`platform_idempotency_key\` (\`tenant_id\` text not null, \`owner_id\` text not null, \`mutation\` text not null, \`key\` text not null, \`body_hash\` text not null, \`result\` text not null, \`created_at\` bigint not null, primary key (\`tenant_id\`, \`owner_id\`, \`mutation\`, \`key\`));`,
    );
    this.addSql(`create index \`platform_idempotency_key_created_at_index\` on \`platform_idempotency_key\` (\`created_at\`);`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`platform_actor\`;`);
    this.addSql(`drop table if exists \`platform_idempotency_key\`;`);
  }
}
