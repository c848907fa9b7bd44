import { Initial202611230629 } from "./202611230629_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230629_initial": Initial202611230629,
};
