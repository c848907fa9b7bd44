/** What usage is summed by: where the key of a call stands, and which calls have one. */
export const dimensions = {
  ALL: { key: "''", where: "1 = 1" },
  AGENT: { key: "target_id", where: "target_type = 'Agent'" },
  WORKFLOW: { key: "workflow_id", where: "workflow_id is not null" },
  MODEL: { key: "provider || '/' || model", where: "1 = 1" },
  THREAD: { key: "thread_id", where: "thread_id is not null" },
} as const;

export type Dimension = keyof typeof dimensions;

/** Over which times it is summed, in UTC. */
export const grains = {
  hour: { name: "HOUR", ms: 3_600_000 },
  day: { name: "DAY", ms: 86_400_000 },
} as const;
