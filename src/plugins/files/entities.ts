import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const UploadedFileSchema = defineEntity({
  name: "UploadedFile",
  tableName: "files_file",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    /** What its owner calls it; never a path. */
    name: p.string(),
    /** The name as it is searched: lower case, composed letters. */
    searchName: p.string().nullable(),
    mediaType: p.string(),
    /** In bytes; as announced, and as uploaded. */
    size: p.bigint("number"),
    /** Of the bytes, in hex; null until they are here. */
    sha256: p.string().nullable(),
    /** Milliseconds since 1970. */
    createdAt: p.bigint("number"),
    uploadedAt: p.bigint("number").nullable(),
  }),
  indexes: [
    { properties: ["tenantId", "ownerId", "createdAt", "id"] },
    { properties: ["createdAt"] },
    { properties: ["tenantId", "createdAt", "id"] },
  ],
});

/** A file of a viewer: announced, then uploaded. Its bytes stand in the data folder under its id. */
export class UploadedFile extends UploadedFileSchema.class {}
UploadedFileSchema.setClass(UploadedFile);
export const fileEntity = owned(UploadedFileSchema, { rule: "PRIVATE" });

const FileUseSchema = defineEntity({
  name: "FileUse",
  tableName: "files_use",
  properties: (p) => ({
    fileId: p.string().primary(),
    threadId: p.string().primary().index(),
    tenantId: p.string(),
    ownerId: p.string(),
  }),
});

/** A thread that holds a file: as long as there is one, the file stays. */
export class FileUse extends FileUseSchema.class {}
FileUseSchema.setClass(FileUse);
export const useEntity = owned(FileUseSchema, { rule: "PRIVATE" });
