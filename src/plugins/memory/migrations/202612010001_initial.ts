import { Migration } from "@mikro-orm/migrations";

export class Initial202612010001 extends Migration {
  override up(): void {
    this.addSql(
      `create table \`memory_embedder\` (\`num\` integer not null primary key autoincrement, \`id\` text not null, \`dimensions\` integer not null, \`version\` text not null);`,
    );
    this.addSql(
      `create unique index \`memory_embedder_id_dimensions_version_unique\` on \`memory_embedder\` (\`id\`, \`dimensions\`, \`version\`);`,
    );
    this.addSql(
      `create table \`memory_record\` (\`num\` integer not null primary key autoincrement, \`id\` text not null, \`tenant_id\` text not null, \`owner_id\` text not null, \`scope\` text not null, \`scope_id\` text not null, \`space\` integer not null, \`text\` text not null, \`digest\` text not null, \`metadata\` json not null, \`embedder_num\` integer null, \`source_run_id\` text null, \`superseded_by_id\` text null, \`created_at\` bigint not null, \`updated_at\` bigint not null, \`expires_at\` bigint null);`,
    );
    this.addSql(`create unique index \`memory_record_id_unique\` on \`memory_record\` (\`id\`);`);
    this.addSql(`create index \`memory_record_space_created_at_id_index\` on \`memory_record\` (\`space\`, \`created_at\`, \`id\`);`);
    this.addSql(`create index \`memory_record_space_digest_index\` on \`memory_record\` (\`space\`, \`digest\`);`);
    this.addSql(
      `create index \`memory_record_tenant_id_owner_id_created_at_id_index\` on \`memory_record\` (\`tenant_id\`, \`owner_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(
      `create index \`memory_record_tenant_id_created_at_id_index\` on \`memory_record\` (\`tenant_id\`, \`created_at\`, \`id\`);`,
    );
    this.addSql(`create index \`memory_record_embedder_num_num_index\` on \`memory_record\` (\`embedder_num\`, \`num\`);`);
    this.addSql(`create index \`memory_record_superseded_by_id_index\` on \`memory_record\` (\`superseded_by_id\`);`);
    this.addSql(`create index \`memory_record_expires_at_index\` on \`memory_record\` (\`expires_at\`);`);
    this.addSql(
      `create table \`memory_space\` (\`num\` integer not null primary key autoincrement, \`tenant_id\` text not null, \`scope\` text not null, \`scope_id\` text not null, \`owner_id\` text not null, \`records\` integer not null);`,
    );
    this.addSql(
      `create unique index \`memory_space_tenant_id_scope_scope_id_owner_id_unique\` on \`memory_space\` (\`tenant_id\`, \`scope\`, \`scope_id\`, \`owner_id\`);`,
    );
    this.addSql(`create table \`memory_state\` (\`key\` text not null primary key, \`value\` integer not null);`);
    this.addSql(
      `create table \`memory_vector\` (\`num\` integer not null primary key autoincrement, \`space\` integer not null, \`embedder_num\` integer not null, \`vector\` blob not null);`,
    );
    this.addSql(`create index \`memory_vector_space_embedder_num_index\` on \`memory_vector\` (\`space\`, \`embedder_num\`);`);
    this.addSql(
      `create virtual table \`memory_text\` using fts5(text, space, content = 'memory_record', content_rowid = 'num', tokenize = 'porter unicode61 remove_diacritics 2');`,
    );
    // What is forgotten leaves the index at once, and the number of a space is no word that ranks.
    this.addSql(`insert into \`memory_text\` (\`memory_text\`, \`rank\`) values ('secure-delete', 1);`);
    this.addSql(`insert into \`memory_text\` (\`memory_text\`, \`rank\`) values ('rank', 'bm25(1.0, 0.0)');`);
  }

  override down(): void {
    this.addSql(`drop table if exists \`memory_text\`;`);
    this.addSql(`drop table if exists \`memory_embedder\`;`);
    this.addSql(`drop table if exists \`memory_record\`;`);
    this.addSql(`drop table if exists \`memory_space\`;`);
    this.addSql(`drop table if exists \`memory_state\`;`);
    this.addSql(`drop table if exists \`memory_vector\`;`);
  }
}
