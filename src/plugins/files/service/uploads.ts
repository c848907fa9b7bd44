import { raw } from "@mikro-orm/core";
import { v7 } from "uuid";
import { WeftlineError, idempotently, type LegalHolds, type Scope, type Tx } from "#weftline";
import type { FilesConfig } from "../config.ts";
import type { FilesService, NewFile, Upload } from "../contract.ts";
import { FileUse, UploadedFile } from "../entities.ts";
import { checkAnnounced, checkBeginning, checkFile } from "./checks.ts";
import type { Disk, Received } from "./disk.ts";
import { refuseHeld } from "./retained.ts";
import { searchable } from "./list.ts";

/** What uploads work with. */
export interface UploadsHost {
  readonly config: FilesConfig;
  readonly disk: Disk;
  readonly holds: LegalHolds;
}

/** How files come in and out. */
export function createUploads({ config, disk, holds }: UploadsHost): Pick<FilesService, "create" | "upload" | "download" | "delete"> {
  /** Files whose bytes come in at this moment. */
  const coming = new Set<string>();

  return {
    async create(scope: Scope, file: NewFile) {
      const checked = checkFile(file, config);
      const { idempotencyKey: key } = file;
      const { id } = await idempotently(scope, { mutation: "createFile", key, body: file }, async (tx) => {
        await checkRoom(tx, config, checked.size);
        const { tenantId, actorId: ownerId } = scope.viewer;
        const unsent = { sha256: null, createdAt: Date.now(), uploadedAt: null };
        const row = { id: v7(), tenantId, ownerId, ...checked, searchName: searchable(checked.name), ...unsent };
        tx.em.create(UploadedFile, row);
        return { id: row.id };
      });
      return findFile(scope, id);
    },

    async upload(scope: Scope, id: string, { body, ...said }: Upload) {
      const file = await findFile(scope, id);
      checkAnnounced(file, said);
      if (coming.has(id))
        throw new WeftlineError("CONFLICT", { message: "This file is being uploaded already.", fix: "Wait for that upload." });
      coming.add(id);
      try {
        const received = await disk.receive(body, file.size);
        try {
          if (received.size !== file.size) checkAnnounced(file, { size: received.size });
          checkBeginning(file.mediaType, received.head);
          await scope.write((tx) => keep(tx, disk, id, received), "files.keep");
        } finally {
          await disk.drop(received);
        }
      } finally {
        coming.delete(id);
      }
      return findFile(scope, id);
    },

    async delete(scope: Scope, id: string) {
      if (coming.has(id))
        throw new WeftlineError("CONFLICT", { message: "This file is being uploaded.", fix: "Wait for that upload.", path: ["file"] });
      await scope.write(async (tx) => {
        const file = await tx.em.findOne(UploadedFile, { id });
        if (!file) throw new WeftlineError("NOT_FOUND", { what: "file", path: ["file"] });
        await refuseHeld(holds, tx, id);
        await tx.em.nativeDelete(FileUse, { fileId: id });
        tx.em.remove(file);
        tx.afterCommit(() => void disk.remove([id]));
      }, "files.delete");
    },

    async download(scope: Scope, id: string) {
      const file = await findFile(scope, id);
      if (file.uploadedAt == null) throw notUploaded(file);
      return { file, body: await disk.open(id) };
    },
  };
}

/** @throws NOT_FOUND */
async function findFile(scope: Scope, id: string): Promise<UploadedFile> {
  const [file] = await scope.rowsById(UploadedFile, [id]);
  if (!file) throw new WeftlineError("NOT_FOUND", { what: "file" });
  return file;
}

/** What a file without its bytes is refused with. */
export function notUploaded({ name }: Pick<UploadedFile, "name">, path?: readonly string[]): WeftlineError {
  return new WeftlineError("CONFLICT", {
    message: `The file "${name}" is not uploaded yet.`,
    fix: "PUT its bytes to the uploadUrl that createFile answered.",
    ...(path ? { path } : {}),
  });
}

async function checkRoom(tx: Tx, { viewerFiles, viewerBytes, unfinished }: FilesConfig, size: number): Promise<void> {
  const { files, bytes, open } = await kept(tx);
  if (open >= unfinished)
    throw new WeftlineError("RATE_LIMITED", { what: "unfinished uploads", fix: "Upload those that were begun, or wait until they lapse." });
  if (files >= viewerFiles) throw new WeftlineError("RATE_LIMITED", { what: "files", fix: "Delete files that you no longer need." });
  if (bytes + size > viewerBytes)
    throw new WeftlineError("CONFLICT", {
      message: `You keep ${bytes} bytes of files; more than ${viewerBytes} are not allowed.`,
      fix: "Delete files that you no longer need.",
      path: ["input", "size"],
    });
}

const sums: Record<keyof Kept, string> = {
  files: "count(*)",
  bytes: "coalesce(sum(size), 0)",
  open: "count(*) - count(uploaded_at)",
};

/** What the viewer keeps. Other writes wait meanwhile, so the store sums it up. */
async function kept({ em }: Tx): Promise<Kept> {
  const query = em.createQueryBuilder(UploadedFile).select(Object.entries(sums).map(([name, sql]) => raw(`${sql} as "${name}"`)));
  const [row] = await query.execute<Kept[]>("all", false);
  return row ?? { files: 0, bytes: 0, open: 0 };
}

interface Kept {
  readonly files: number;
  readonly bytes: number;
  /** Those whose bytes are not here yet. */
  readonly open: number;
}

/** The row says that the bytes are here only once they are; where the commit fails after it, they wait for the next try or the sweep. */
async function keep(tx: Tx, disk: Disk, id: string, { sha256, ...received }: Received): Promise<void> {
  const file = await tx.em.findOne(UploadedFile, { id });
  if (!file) throw new WeftlineError("NOT_FOUND", { what: "file" });
  if (file.sha256 === sha256) return;
  if (file.sha256 != null)
    throw new WeftlineError("CONFLICT", {
      message: "This file is uploaded, with other bytes.",
      fix: "Announce another file with createFile.",
    });
  await disk.keep(id, received);
  Object.assign(file, { sha256, uploadedAt: Date.now() });
}
