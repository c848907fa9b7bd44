import { z } from "zod";

const mebibyte = 1024 * 1024;
const hour = 3_600_000;

/** The options of the files plugin. */
export const filesConfig = z
  .strictObject({
    /** The most that one file may hold, in bytes. */
    fileBytes: z
      .int()
      .min(1)
      .max(1024 * mebibyte)
      .default(20 * mebibyte),
    /** The most that one viewer may keep, unfinished uploads included, in bytes. */
    viewerBytes: z
      .int()
      .min(1)
      .default(1024 * mebibyte),
    /** The most files that one viewer may keep, unfinished uploads included. */
    viewerFiles: z.int().min(1).default(10_000),
    /** The most uploads that one viewer may have begun and not finished. */
    unfinished: z.int().min(1).max(1_000).default(20),
    /** The most files of one message. */
    perMessage: z.int().min(1).max(100).default(10),
    /** What may be uploaded, as in `image/*`. */
    mediaTypes: z
      .array(z.string().regex(/^(\*\/\*|[\w.+-]+\/(\*|[\w.+-]+))$/, "a media type is image/png, image/* or */*"))
      .min(1)
      .default(["*/*"]),
    /** How long an upload may take until it is given up, in milliseconds. */
    uploadMs: z.int().min(1_000).default(hour),
    /** How long a file is kept that no message holds, in milliseconds. */
    unusedMs: z
      .int()
      .min(1_000)
      .default(24 * hour),
    /**
     * How long bytes are kept that the database does not know, in milliseconds, counted from their last change, and anew where another
     * database, or an older copy, was put into the data folder.
     */
    orphanMs: z
      .int()
      .min(1_000)
      .default(7 * 24 * hour),
  })
  .refine(({ fileBytes, viewerBytes }) => fileBytes <= viewerBytes, {
    path: ["viewerBytes"],
    message: "a viewer may keep at least one file of the largest size",
  })
  .prefault({});

export type FilesConfig = z.output<typeof filesConfig>;
