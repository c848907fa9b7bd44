import { Step, extendInput, inputNamed, type GraphBuilder } from "#weftline";
import { previewRetry, type RetryPreview, type RetryPreviewInput } from "../service/retry-preview.ts";

/** Retries that begin in the middle, and what they would do again. */
export function addRetry(builder: GraphBuilder): void {
  extendInput(builder, "RetryRunInput", (t) => ({
    fromNode: t.string({
      description: "A node of the workflow: what neither is it nor comes behind it is taken over from the old run. Not with checkpoint.",
    }),
  }));
  const preview = builder.objectRef<RetryPreview>("RetryPreview").implement({
    description: "What a retry would do again.",
    fields: (t) => ({
      repeats: t.field({
        type: [Step],
        nullable: { list: false, items: false },
        description: "Steps of the old run that would be done again.",
        resolve: ({ repeats }) => [...repeats],
      }),
      sideEffects: t.field({
        type: [Step],
        nullable: { list: false, items: false },
        description: "Those of them that called a tool which writes or reaches outside, themselves or in a run below.",
        resolve: ({ sideEffects }) => [...sideEffects],
      }),
    }),
  });
  builder.queryField("retryPreview", (t) =>
    t.field({
      type: preview,
      description: "What retryRun would do again with the same input; null where the run does not exist or belongs to another.",
      args: {
        input: t.arg({
          type: inputNamed<RetryPreviewInput>(builder, "RetryRunInput"),
          required: true,
          description: "The retry. Nothing is started.",
        }),
      },
      resolve: (_, { input }, scope) => previewRetry(scope, input),
    }),
  );
}
