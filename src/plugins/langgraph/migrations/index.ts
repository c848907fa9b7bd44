import { Initial202611251423 } from "./202611251423_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611251423_initial": Initial202611251423,
};
