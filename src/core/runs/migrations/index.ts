import { Initial202611230602 } from "./202611230602_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230602_initial": Initial202611230602,
};
