import { Initial202612010001 } from "./202612010001_initial.ts";
import { Calls202612010248 } from "./202612010248_calls.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202612010001_initial": Initial202612010001,
  "202612010248_calls": Calls202612010248,
};
