import { Migration } from "@mikro-orm/migrations";

export class ServiceActors202611292034 extends Migration {
  override up(): void {
    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(
      `create table \`platform_actor__temp_alter\` (\`tenant_id\` text not null, \`id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`kind\` text check (\`kind\` in ('USER', 'AGENT', 'SYSTEM', 'SERVICE')) not null, primary key (\`tenant_id\`, \`id\`));`,
    );
    this.addSql(
      `insert into \`platform_actor__temp_alter\` select \`tenant_id\`, \`id\`, \`owner_id\`, \`name\`, \`kind\` from \`platform_actor\`;`,
    );
    this.addSql(`drop table \`platform_actor\`;`);
    this.addSql(`alter table \`platform_actor__temp_alter\` rename to \`platform_actor\`;`);
    this.addSql(`pragma foreign_keys = on;`);
  }

  override down(): void {
    this.addSql(
      `create table \`platform_actor__temp_alter\` (\`tenant_id\` text not null, \`id\` text not null, \`owner_id\` text not null, \`name\` text not null, \`kind\` text check (\`kind\` in ('USER', 'AGENT', 'SYSTEM')) not null, primary key (\`tenant_id\`, \`id\`));`,
    );
    this.addSql(
      `insert into \`platform_actor__temp_alter\` select \`tenant_id\`, \`id\`, \`owner_id\`, \`name\`, case \`kind\` when 'SERVICE' then 'USER' else \`kind\` end from \`platform_actor\`;`,
    );
    this.addSql(`drop table \`platform_actor\`;`);
    this.addSql(`alter table \`platform_actor__temp_alter\` rename to \`platform_actor\`;`);
  }
}
