import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { NamedMigration } from "./database.ts";

/** Databases as their migrations left them, each in a file named by what made it: a database that is not there yet starts as a copy. */
export class DatabaseTemplates {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the database a copy of what these migrations made before, where it is not there yet. */
  copyTo(file: string, migrations: readonly NamedMigration[]): void {
    const template = this.#fileOf(migrations);
    if (!existsSync(file) && existsSync(template)) copyFileSync(template, file);
  }

  /** Keeps a database that was migrated and not used. */
  keep(file: string, migrations: readonly NamedMigration[]): void {
    const template = this.#fileOf(migrations);
    if (existsSync(template)) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const whole = `${template}.${process.pid}`;
    const database = new Database(file, { readonly: true });
    try {
      database.prepare("vacuum into ?").run(whole);
    } finally {
      database.close();
    }
    renameSync(whole, template);
  }

  #fileOf(migrations: readonly NamedMigration[]): string {
    const hash = createHash("sha256");
    for (const each of migrations) hash.update(`${each.name}\n${each.class.toString()}\n`);
    return join(this.#folder, `${hash.digest("hex")}.db`);
  }
}
