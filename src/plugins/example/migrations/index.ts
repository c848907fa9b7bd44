import { Initial202611230619 } from "./202611230619_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230619_initial": Initial202611230619,
};
