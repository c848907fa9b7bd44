import type { TestProject } from "vitest/node";
import { dataFolder, startServer } from "../e2e/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The graph of the one server that all of these suites share. */
    readonly url: string;
  }
}

/** One server for all files, in a process of its own, as `npm start` runs it: every plugin, no key, a folder that is empty. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { folder, remove } = dataFolder();
  const server = await startServer(folder);
  project.provide("url", server.url);
  return async () => {
    await server.stop();
    remove();
  };
}
