import { enumKey } from "#weftline";

export const MissedTicks = enumKey("SKIP", "RUN_ONCE", "RUN_ALL");
export type MissedTicks = keyof typeof MissedTicks;

export const Overlap = enumKey("SKIP", "QUEUE", "CANCEL_PREVIOUS");
export type Overlap = keyof typeof Overlap;
