/** The table in which MikroORM notes what ran. */
export const migrationTable = "weftline_migration";
