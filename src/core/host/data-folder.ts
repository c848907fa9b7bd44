import { serviceRef } from "../kernel/refs.ts";

/** The folder in which the host keeps what it must not lose: the database, and a folder of its own for each plugin that asks. */
export interface DataFolder {
  /** The plugin's own folder, whether it is there yet or not. */
  of(plugin: string): string;
}

export const dataFolder = serviceRef<DataFolder>("weftline.dataFolder");
