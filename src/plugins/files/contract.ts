import type { Readable } from "node:stream";
import { serviceRef, type Files, type Page, type PageArgs, type Scope } from "#weftline";
import type { UploadedFile } from "./entities.ts";

export { UploadedFile } from "./entities.ts";

/** A file as a caller announces it. */
export interface NewFile {
  readonly name: string;
  /** As in `image/png`. */
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  readonly idempotencyKey?: string | null | undefined;
}

/** The bytes of an upload, and what its sender says of them. */
export interface Upload {
  readonly body: Readable;
  readonly mediaType?: string | undefined;
  readonly size?: number | undefined;
}

/** Files of viewers. Ids are those of the database; every method acts as the scope's viewer and throws NOT_FOUND for a file of another. */
export interface FilesService extends Files {
  /**
   * Announces a file; its bytes follow by {@link FilesService.upload}.
   *
   * @throws INVALID_INPUT, CONFLICT where the viewer keeps too much, RATE_LIMITED for too many files or unfinished uploads.
   */
  create(scope: Scope, file: NewFile): Promise<UploadedFile>;
  /**
   * Takes the bytes, once. The same bytes again change nothing.
   *
   * @throws INVALID_INPUT where they are not what was announced, CONFLICT where others are here or come in at this moment.
   */
  upload(scope: Scope, id: string, upload: Upload): Promise<UploadedFile>;
  /**
   * The viewer's files, newest first.
   *
   * @throws INVALID_INPUT for a search that is too long.
   */
  list(scope: Scope, filter: { readonly search?: string | null | undefined }, args: PageArgs): Promise<Page<UploadedFile>>;
  /**
   * Deletes a file. Messages that name it keep its name, type and size; agents are told that it was deleted.
   *
   * @throws CONFLICT while its bytes come in.
   */
  delete(scope: Scope, id: string): Promise<void>;
  /** @throws CONFLICT for a file whose bytes are not here. */
  download(scope: Scope, id: string): Promise<{ readonly file: UploadedFile; readonly body: Readable }>;
}

/** @example const file = await scope.use(filesService).create(scope, { name: "a.png", mediaType: "image/png", size: 1_024 }); */
export const filesService = serviceRef<FilesService>("files.uploads");
