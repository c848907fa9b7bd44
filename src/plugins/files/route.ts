import type { HttpRoute, Scope } from "#weftline";
import { WeftlineError, globalId } from "#weftline";
import type { FilesService } from "./contract.ts";
import type { UploadedFile } from "./entities.ts";

/** The first part of the path of every file. */
export const routeName = "files";

/** Where a file's bytes are put and got, as a path of the server. */
export function urlOf({ id }: Pick<UploadedFile, "id">): string {
  return `/${routeName}/${id}`;
}

/** `PUT` takes the bytes of a file, `GET` gives them. */
export function createFilesRoute(files: FilesService): HttpRoute {
  return {
    methods: ["GET", "PUT"],
    async handle({ method, path: [id = "", ...rest], headers, body, scope }) {
      if (rest.length > 0) throw new WeftlineError("NOT_FOUND", { what: "file" });
      if (method === "GET") return download(files, scope, id);
      const length = headers["content-length"];
      const said = { mediaType: headers["content-type"], size: length === undefined ? undefined : Number(length) };
      const file = await files.upload(scope, id, { body, ...said });
      const document = { id: globalId("File", file.id), name: file.name, mediaType: file.mediaType, size: file.size };
      return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(document) };
    },
  };
}

/** Nothing that somebody uploaded ever runs here: it is saved, not shown, is what it says, and loads nothing. */
async function download(files: FilesService, scope: Scope, id: string) {
  const { file, body } = await files.download(scope, id);
  return {
    status: 200,
    headers: {
      "content-type": file.mediaType,
      "content-length": String(file.size),
      "content-disposition": `attachment; filename*=UTF-8''${encoded(file.name)}`,
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      "cross-origin-resource-policy": "same-origin",
    },
    body,
  };
}

/** As RFC 8187 wants it: these four signs are left alone by `encodeURIComponent`. */
function encoded(name: string): string {
  return encodeURIComponent(name).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
