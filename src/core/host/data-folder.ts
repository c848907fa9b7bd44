import { serviceRef } from "../kernel/refs.ts";

/** The folder in which the host keeps what it must not lose: the database, and a folder of its own for each plugin that asks. */
export interface DataFolder {
  /** The plugin's own folder, whether it is there yet or not. */
  of(plugin: string): string;
  /**
   * Since when this folder belongs to this database, by the database's clock, in milliseconds since 1970: since its first start, or since a backup was
   * put back. What is older, and unknown to the database, may be known to another copy of it.
   */
  readonly pairedAt: number;
  /** `temporary` where a command boots the host only to look at what is installed: nothing is served and nothing is kept. */
  readonly lifetime: "kept" | "temporary";
}

export const dataFolder = serviceRef<DataFolder>("weftline.dataFolder");
