import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

const { file } = workerData as { readonly file: string };
const handle = new Database(file, { fileMustExist: true });

parentPort?.on("message", (message: "checkpoint" | "close") => {
  if (message === "close") {
    handle.close();
    parentPort?.close();
    return;
  }
  try {
    handle.pragma("wal_checkpoint(PASSIVE)");
  } catch {
    // A disk that is full refuses the next commit, too, which says so. What was not copied now is copied later.
  }
  parentPort?.postMessage("done");
});
