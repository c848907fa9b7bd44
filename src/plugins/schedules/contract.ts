export { Schedule } from "./entities.ts";
export { MissedTicks, Overlap } from "./types.ts";
