import {
  MemoryScope,
  RetentionTarget,
  Run,
  defineEnum,
  inputNamed,
  loadRows,
  nodeType,
  resultType,
  runService,
  type GraphBuilder,
} from "#weftline";
import { RetentionPolicy } from "./entities.ts";
import { retentionPolicies, type RetentionPreview, type SetRetentionPolicy } from "./service/policies.ts";

export function addRetentionSchema(builder: GraphBuilder): void {
  defineEnum(builder, RetentionTarget, "RetentionTarget", "What a policy of retention is about.", {
    MEMORY: "Records of memory.",
    MESSAGES: "Messages of threads, with the runs that wrote them. A count is of each thread.",
    RUN_DELTAS: "Deltas of finished messages, whose text stands in the message.",
    RUNS: "Runs outside threads, with all below them. A count is of the tenant.",
    CHECKPOINTS: "Checkpoints of ended runs, but the newest of each. A count is of each run.",
    FILES: "Files. A count is of the tenant.",
    AUDIT: "What calls of tools left for those who audit. A count is of the tenant.",
  });
  nodeType(builder, RetentionPolicy, {
    name: "RetentionPolicy",
    description: "How long, and how much of something, the tenant keeps. What is older, or more, is removed.",
    ownership: { rule: "SHARED" },
    load: loadRows(RetentionPolicy),
    fields: (t) => ({
      target: t.field({ type: RetentionTarget, nullable: false, description: "What it is about.", resolve: ({ target }) => target }),
      scope: t.field({ type: MemoryScope, description: "Only records of this scope.", resolve: ({ scope }) => scope || null }),
      maxAge: t.field({ type: "Duration", description: "What is older goes; null for any age.", resolve: ({ maxAge }) => maxAge ?? null }),
      maxCount: t.exposeInt("maxCount", { description: "So many of the newest stay; null for any number." }),
      enabled: t.exposeBoolean("enabled", { nullable: false, description: "Whether it is applied." }),
      lastAppliedAt: t.field({
        type: "DateTime",
        description: "When it was applied last, to the end.",
        resolve: ({ lastAppliedAt }) => lastAppliedAt ?? null,
      }),
    }),
  });
  const Preview = builder.objectRef<RetentionPreview>("RetentionPreview").implement({
    description: "What a policy would remove now.",
    fields: (t) => ({
      policy: t.field({ type: RetentionPolicy, nullable: false, description: "The policy.", resolve: ({ policy }) => policy }),
      rows: t.field({ type: "SafeInt", nullable: false, description: "How many rows.", resolve: ({ rows }) => rows }),
      oldest: t.field({
        type: "DateTime",
        description: "From when the oldest is; null where there is none.",
        resolve: ({ oldest }) => oldest,
      }),
    }),
  });
  const input = inputNamed<SetRetentionPolicy>(builder, "SetRetentionPolicyInput");
  builder.inputType(input, {
    description: "A policy. There is one a target and scope: setting it again changes it. What is left out stays as it is, null clears.",
    fields: (t) => ({
      target: t.field({ type: RetentionTarget, required: true, description: "What it is about." }),
      scope: t.field({ type: MemoryScope, description: "Of MEMORY: only records of this scope." }),
      maxAge: t.field({ type: "Duration", description: "What is older goes; a minute at least." }),
      maxCount: t.int({ description: "So many of the newest stay; 1 at least." }),
      enabled: t.boolean({ description: "Whether it is applied; true at first." }),
    }),
  });
  const set = resultType<{ readonly policy: RetentionPolicy }>(builder, "SetRetentionPolicy", {
    fields: (t) => ({
      policy: t.field({ type: RetentionPolicy, nullable: false, description: "The policy as it is now.", resolve: ({ policy }) => policy }),
    }),
  });
  const applied = resultType<{ readonly previews: readonly RetentionPreview[]; readonly run: string | undefined }>(
    builder,
    "ApplyRetention",
    {
      errors: ["conflict"],
      fields: (t) => ({
        previews: t.field({
          type: [Preview],
          nullable: false,
          description: "What each policy would remove when it was asked for.",
          resolve: ({ previews }) => [...previews],
        }),
        job: t.field({
          type: Run,
          description: "The run that removes it; null for a dry run, and where there is no policy.",
          resolve: ({ run }, _, scope) => (run === undefined ? null : scope.use(runService).find(scope, run)),
        }),
      }),
    },
  );
  builder.queryFields((t) => ({
    retentionPolicies: t.field({
      type: [RetentionPolicy],
      description: "The tenant's policies of retention. Admins set them.",
      resolve: (_, __, scope) => scope.use(retentionPolicies).list(scope),
    }),
    retentionPreview: t.field({
      type: [Preview],
      description: "What each enabled policy would remove now; null for who is no admin.",
      resolve: (_, __, scope) => scope.use(retentionPolicies).preview(scope),
    }),
  }));
  builder.mutationFields((t) => ({
    setRetentionPolicy: t.field({
      type: set.type,
      nullable: false,
      description: "Sets a policy. For admins.",
      args: { input: t.arg({ type: input, required: true, description: "The policy." }) },
      resolve: (_, { input: asked }, scope) => set.attempt(async () => ({ policy: await scope.use(retentionPolicies).set(scope, asked) })),
    }),
    applyRetention: t.field({
      type: applied.type,
      nullable: false,
      description: "Applies policies now, as a job, or says what they would remove. For admins.",
      args: {
        policies: t.arg.idList({ description: "Which; all that are enabled by default." }),
        dryRun: t.arg.boolean({ defaultValue: false, description: "Whether nothing is removed." }),
      },
      resolve: (_, { policies, dryRun }, scope) =>
        applied.attempt(() => scope.use(retentionPolicies).apply(scope, { policies: policies?.map(String), dryRun })),
    }),
  }));
}
