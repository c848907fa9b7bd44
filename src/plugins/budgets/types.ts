import { enumKey } from "#weftline";

export const UsageGroup = enumKey("AGENT", "WORKFLOW", "MODEL", "ACTOR", "THREAD");
export type UsageGroup = keyof typeof UsageGroup;
