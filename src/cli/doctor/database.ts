import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { backupNames } from "../../core/backup/manifest.ts";
import { unknownMigrations } from "../../core/backup/schema-level.ts";
import { examineLive, faultOf, type Examined } from "../../core/database/examine.ts";
import { lockHolder } from "../../core/database/lock.ts";
import { missingColumns } from "../../core/database/migrations.ts";
import type { DoctorFinding } from "../../core/doctor-checks.ts";
import { messageOf } from "../../core/errors.ts";
import { hasStamp, stampState } from "../../core/host/stamp.ts";
import { keyRingOf, readDatabase } from "../../core/platform.ts";
import { checkSealed } from "../../core/sealed/sealed-values.ts";
import { countText, sizeText } from "../sizes.ts";
import { failed, ok, warning, whereReadable, type Check, type Patient } from "./check.ts";

/** From these sizes on somebody should look, in bytes. */
const largeLog = 256 * 2 ** 20;
const largeFree = 256 * 2 ** 20;

const restoreFix = "Stop the server and put a backup back: weftline restore <folder> --replace";
const lostFix = `${restoreFix}. A start would make a new, empty one`;

/** A check that reads the database, where there is one. */
function ofDatabase(name: string, look: (database: Examined, patient: Patient) => Promise<DoctorFinding[]>): Check {
  return {
    name,
    run: async (patient) => {
      const file = fileOf(patient);
      return existsSync(file) ? whereReadable(() => examineLive(file, (database) => look(database, patient))) : [];
    },
  };
}

const fileOf = ({ dataDir }: Patient): string => join(dataDir, backupNames.database);

/** Whether the file opens and its pages and references are whole. */
export const databaseCheck: Check = {
  name: "database",
  run: async (patient) => {
    const file = fileOf(patient);
    const isUsed = hasStamp(patient.dataDir);
    if (!existsSync(file)) {
      if (isUsed) return [failed(`There is no database in ${patient.dataDir}, where one was used.`, lostFix)];
      return [warning(`There is no database in ${patient.dataDir} yet.`, "The first start makes it.")];
    }
    try {
      return await examineLive(file, async (database) => {
        if (isUsed && database.migrations().length === 0) return [failed(`${file} is empty, where one was used that was not.`, lostFix)];
        const problems = database.problems(patient.depth === "quick" ? "quickly" : "thoroughly");
        if (problems.length > 0) return problems.map((problem) => failed(`${file} is damaged: ${problem}`, restoreFix));
        return [
          ok(`${sizeText(statSync(file).size)}, ${patient.depth === "quick" ? "quick check" : "all pages and indexes"} passed`),
          ...sizeFindings(file, database),
        ];
      });
    } catch (error) {
      return [failed(`${file} cannot be read: ${messageOf(error)}`, faultOf(error) === "damaged" ? restoreFix : openFix)];
    }
  },
};

/** A database that only cannot be opened here is not to be replaced. */
const openFix =
  "Nothing says that it is damaged. Whoever reads it writes beside it: make the folder one that this user may write, on a disk with room, and look again.";

function sizeFindings(file: string, database: Examined): DoctorFinding[] {
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const { total, free } = database.size();
  return [
    ...(log > largeLog
      ? [
          warning(
            `The write-ahead log has ${sizeText(log)}.`,
            "Something has read for long, such as a backup under way. If nothing does, restart the server: it copies the log back.",
          ),
        ]
      : []),
    ...(free > largeFree && free > total / 4
      ? [
          database.givesBack()
            ? ok(`${sizeText(free)} of ${sizeText(total)} are free pages, which the retention job gives back`)
            : warning(
                `${sizeText(free)} of ${sizeText(total)} in the database are free pages.`,
                "New rows use them. docs/operations.md says under Retention how to give them back.",
              ),
        ]
      : []),
  ];
}

/** Whether this version can open what earlier ones left. */
export const schemaCheck = ofDatabase("schema", async ({ migrations }, { kernel, composition, config }) => {
  if (!kernel || !composition || !config) return [warning("Not compared: the plugins do not load.")];
  const ran = migrations();
  const all = composition.migrations.map(({ name }) => name);
  const { newer, unlisted } = unknownMigrations(ran, { migrations: all, plugins: kernel.plugins.map(({ spec }) => spec.id) });
  if (newer.length > 0)
    return [
      failed(
        `A later version made this database: ${newer.join(", ")}.`,
        "Install that version of Weftline, or restore a backup that this one made.",
      ),
    ];
  const left = unlisted.map((plugin) => ok(`Tables of "${plugin}" are left alone: the configuration does not list it.`));
  const pending = all.filter((name) => !ran.includes(name));
  if (pending.length > 0) {
    const detail = `To be applied: ${countText(pending.length, "migration")} (${pending.slice(0, 3).join(", ")}${pending.length > 3 ? ", …" : ""}).`;
    const isProduction = config.mode === "production";
    const fix = "Take a backup, then run: weftline migrate up";
    return [isProduction ? failed(detail, fix) : warning(detail, "The next start applies them."), ...left];
  }
  const database = readDatabase(config, composition);
  try {
    const columns = database ? await missingColumns(database) : [];
    if (columns.length > 0)
      return [
        failed(
          `The entities declare what no migration makes: ${columns.join(", ")}.`,
          "Write one: weftline migrate new --plugin <id>. Where no entity was changed, somebody took them out of the database: put a backup back.",
        ),
        ...left,
      ];
    return [ok(`${countText(ran.length, "migration")}, none pending`), ...left];
  } finally {
    await database?.close();
  }
});

/** Who has the database. */
export const lockCheck: Check = {
  name: "lock",
  run: (patient) => {
    const holder = lockHolder(fileOf(patient));
    return [ok(holder === undefined ? "No server has the database open" : `Held by process ${holder}`)];
  },
};

/** Whether the database is the one that the folder was last used with. */
export const stampCheck = ofDatabase("stamp", async ({ sql, hasTable }, { dataDir }) => {
  if (!hasTable("platform_stamp")) return [];
  const state = await stampState(sql, dataDir);
  if (state !== "apart") return [ok(state === "new" ? "Not paired yet" : "Database and folder belong together")];
  const detail = "The database is another one than this folder was last used with, or an older copy.";
  return [
    warning(
      detail,
      "After a restore that is right: the next start raises all positions, and clients get a snapshot. Else look which copy you want.",
    ),
  ];
});

/** Whether secrets open with the keys that are here. No value is shown. */
export const secretsCheck = ofDatabase("secrets", async ({ sql, hasTable }, { config }) => {
  if (!config || !hasTable("platform_sealed_value")) return [];
  const { opened, failed: closed } = await checkSealed(sql, keyRingOf(config));
  const found = new Map(closed.map(({ id, error }) => [error.code === "SECRET_KEY_UNKNOWN" ? error.message : id, error]));
  if (found.size > 0) return [...found.values()].map((error) => failed(`${error.message} [${error.code}]`, error.fix));
  if (opened > 0) return [ok(`${countText(opened, "sealed secret")}, all of them open`)];
  return [ok("None is sealed")];
});
