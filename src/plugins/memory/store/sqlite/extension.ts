import { getLoadablePath } from "sqlite-vec";
import { contribution, sqliteExtensions } from "#weftline";

/** The name of the extension at `sqliteExtensions`. */
export const vectorExtension = "sqlite-vec";

/** Its library comes as a package of its own for each platform, and there is none for some. */
export const sqliteVec = contribution(sqliteExtensions, vectorExtension, {
  file: getLoadablePath,
});
