import { Database } from "../../src/core/database/database.ts";

/** Opens the database file that it is given, says so, and holds it until it is killed. */
const [, , file = ""] = process.argv;
try {
  const database = new Database({ file, entities: [], migrations: [] });
  process.stdout.write(`open ${process.pid}\n`);
  setInterval(() => void database, 1_000);
} catch (error) {
  process.stdout.write(`refused ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
