import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

const { file } = workerData as { readonly file: string };
const handle = new Database(file, { fileMustExist: true });

parentPort?.on("message", (message: "checkpoint" | "truncate" | "close") => {
  if (message === "close") {
    handle.close();
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(message === "truncate" ? truncated() : copied());
});

function copied(): "done" {
  try {
    handle.pragma("wal_checkpoint(PASSIVE)");
  } catch {
    // A disk that is full refuses the next commit, too, which says so. What was not copied now is copied later.
  }
  return "done";
}

/** Writers wait while the log is cut, so that nearly all of it is copied before. */
function truncated(): "truncated" | "busy" {
  copied();
  try {
    const [{ busy }] = handle.pragma("wal_checkpoint(TRUNCATE)") as [{ busy: number }];
    return busy === 0 ? "truncated" : "busy";
  } catch {
    return "busy";
  }
}
