import { z } from "zod";

/** The options of the memory plugin. */
export const memoryConfig = z
  .strictObject({
    /**
     * The embedder by its id: `local-512`, `openai`, `lexical-hash-384`, or one of another plugin. By default the local model where its packages are
     * installed, else the lexical one.
     */
    embedder: z.string().min(1).optional(),
    /** The embedder `openai`: any endpoint that speaks OpenAI's protocol, through a binding of the plugin models. */
    openai: z
      .strictObject({
        /** `binding/model`, as in `openai/text-embedding-3-small`. */
        model: z.string().min(1),
        /** How many numbers its vectors have. */
        dimensions: z.int().min(2).max(4_096),
        /** Whether the endpoint is asked for that many, which not all understand. */
        askDimensions: z.boolean().default(false),
        /** How many texts one request holds. */
        batch: z.int().min(1).max(2_048).default(64),
      })
      .optional(),
    /** The most records of one scope of one owner. */
    perScope: z.int().min(1).default(100_000),
    /** How often records that have expired are removed, in milliseconds. They are not shown before that either. */
    sweepMs: z.int().min(100).default(60_000),
  })
  .prefault({});

export type MemoryConfig = z.output<typeof memoryConfig>;
