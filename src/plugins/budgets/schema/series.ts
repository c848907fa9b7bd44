import { ListScope, UsageView, inputNamed, runSeries, type GraphBuilder, type RunBucket, type RunFilter } from "#weftline";

export function addSeries(builder: GraphBuilder): void {
  const bucket = builder.objectRef<RunBucket>("RunBucket").implement({
    description: "One bucket of a series, for charts: runs by when they were asked for.",
    fields: (t) => ({
      from: t.field({ type: "DateTime", nullable: false, description: "When it begins.", resolve: ({ from }) => from }),
      runs: t.field({ type: "SafeInt", nullable: false, description: "Asked for within it.", resolve: ({ runs }) => runs }),
      succeeded: t.field({
        type: "SafeInt",
        nullable: false,
        description: "Those of them that succeeded.",
        resolve: ({ succeeded }) => succeeded,
      }),
      failed: t.field({
        type: "SafeInt",
        nullable: false,
        description: "Those of them that failed or ran out of time.",
        resolve: ({ failed }) => failed,
      }),
      p50Ms: t.float({
        description: "Half of those that ended took no longer, in milliseconds, within a hundredth; null where none did.",
        resolve: ({ p50Ms }) => p50Ms,
      }),
      p95Ms: t.float({
        description: "95 of 100 of those that ended took no longer, in milliseconds, within a hundredth; null where none did.",
        resolve: ({ p95Ms }) => p95Ms,
      }),
      usage: t.field({
        type: UsageView,
        nullable: false,
        description: "What the model calls used that were made within it.",
        resolve: ({ usage }) => new UsageView(usage),
      }),
    }),
  });
  builder.queryField("runSeries", (t) =>
    t.field({
      type: [bucket],
      description:
        "How runs did over time, oldest first; at most 500 buckets, empty ones too. What was removed since counts on. Buckets of whole hours, without a filter or of one target, are quick whatever there is; others read their runs, at most 100,000.",
      args: {
        scope: t.arg({ type: ListScope, defaultValue: "MINE", description: "Whose runs; TENANT is for admins." }),
        filter: t.arg({ type: inputNamed<RunFilter>(builder, "RunFilter"), description: "Only these runs." }),
        since: t.arg({ type: "DateTime", required: true, description: "From the bucket that this falls into." }),
        until: t.arg({ type: "DateTime", description: "Until then; until now by default." }),
        bucket: t.arg({
          type: "Duration",
          required: true,
          description: "How long a bucket is, at least a second; they begin at whole multiples of that, in UTC.",
        }),
      },
      resolve: (_, { scope: whose, filter, since, until, bucket: bucketMs }, scope) =>
        runSeries(scope, { reach: whose ?? "MINE", filter, since: since.getTime(), until: until?.getTime() ?? Date.now(), bucketMs }),
    }),
  );
}
