import { Migration } from "@mikro-orm/migrations";

export class UsageOfOwners202611302333 extends Migration {
  override up(): void {
    this.addSql(
      `create index \`runs_usage_sum_owners_index\` on \`runs_usage_sum\` (\`tenant_id\`, \`grain\`, \`starts_at\`) where dimension = 'ALL' and owner_id <> '';`,
    );
  }

  override down(): void {
    this.addSql(`drop index \`runs_usage_sum_owners_index\`;`);
  }
}
