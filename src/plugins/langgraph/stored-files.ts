import { WeftlineError } from "#weftline";
import type { LoadedFiles } from "#plugins/openai";

interface KnownFile {
  readonly id: string;
  /** In base64. */
  readonly data: string;
}

/** Where a file's data stands: at the end of a data URL, or as the data of a part. */
const places = ["base64,", '"data":"'];
/** What somebody has written that reads like the name of a file, whatever colons it has, gets one more: names of files have one. */
const written = /weftline(:+)file:/g;
const stored = /(?<=base64,|"data":")weftline:file:([\w-]+)(?=")|weftline:(:+)file:/g;

/**
 * The files of a conversation, which stand in messages in base64, and in what is stored by their ids: a checkpoint is no place for them. Only those of the
 * conversation are given back, whatever a state names.
 */
export class StoredFiles {
  readonly #files: readonly KnownFile[];

  constructor(files: LoadedFiles) {
    this.#files = [...files].flatMap(([{ id }, loaded]) =>
      loaded.kind === "text" ? [] : [{ id, data: loaded.url.slice(loaded.url.indexOf(",") + 1) }],
    );
  }

  /** @param json text of JSON. */
  hide(json: string): string {
    return this.#files.reduce(
      (text, { id, data }) => places.reduce((hidden, place) => hidden.replaceAll(`${place}${data}"`, `${place}weftline:file:${id}"`), text),
      json.replaceAll(written, "weftline:$1file:"),
    );
  }

  /** @throws UNAVAILABLE where the conversation has no such file. */
  show(json: string): string {
    return json.replaceAll(stored, (_, id: string | undefined, colons: string | undefined) => {
      if (id === undefined) return `weftline${colons ?? ""}file:`;
      const file = this.#files.find((each) => each.id === id);
      if (file) return file.data;
      throw new WeftlineError("UNAVAILABLE", {
        what: `The file ${id}`,
        reason: "the state names it, and the conversation does not hold it.",
        fix: "Start a new run.",
        retryable: false,
      });
    });
  }
}
