/** The kinds that a run schedules itself. */
export const scheduledKinds: readonly string[] = ["branch", "map", "loop"];
