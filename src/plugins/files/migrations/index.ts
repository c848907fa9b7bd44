import { Initial202611251422 } from "./202611251422_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611251422_initial": Initial202611251422,
};
