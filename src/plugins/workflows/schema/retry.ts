import { Step, extendInput, inputNamed, type GraphBuilder } from "#weftline";
import { previewRetry, type RetryPreview, type RetryPreviewInput } from "../service/retry-preview.ts";

/** Retries that begin in the middle, and what they would do again. */
export function addRetry(builder: GraphBuilder): void {
  extendInput(builder, "RetryRunInput", (t) => ({
    fromNode: t.string({
      description:
        "A node of the workflow: it and everything downstream of it run again, and the other results are reused. Not with checkpoint.",
    }),
  }));
  const preview = builder.objectRef<RetryPreview>("RetryPreview").implement({
    description: "What a retry would repeat.",
    fields: (t) => ({
      repeats: t.field({
        type: [Step],
        nullable: { list: false, items: false },
        description: "Steps of the old run that would be repeated.",
        resolve: ({ repeats }) => [...repeats],
      }),
      sideEffects: t.field({
        type: [Step],
        nullable: { list: false, items: false },
        description: "Those of them that called a tool that writes or reaches outside, directly or in a child run.",
        resolve: ({ sideEffects }) => [...sideEffects],
      }),
    }),
  });
  builder.queryField("retryPreview", (t) =>
    t.field({
      type: preview,
      description: "What retryRun would repeat for the same input; null if the run does not exist or belongs to someone else.",
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
