import { Initial202611230602 } from "./202611230602_initial.ts";
import { Stamp202611291945 } from "./202611291945_stamp.ts";
import { ServiceActors202611292034 } from "./202611292034_service_actors.ts";
import { SealedValues202611300903 } from "./202611300903_sealed_values.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230602_initial": Initial202611230602,
  "202611291945_stamp": Stamp202611291945,
  "202611292034_service_actors": ServiceActors202611292034,
  "202611300903_sealed_values": SealedValues202611300903,
};
