import { Initial202612010001 } from "./202612010001_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202612010001_initial": Initial202612010001,
};
