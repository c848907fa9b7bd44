import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** What the thread watches. */
export interface StallTask {
  readonly state: Int32Array;
  readonly ids: Uint8Array;
  readonly idBytes: number;
  readonly stallMs: number;
  readonly folder: string;
  readonly file: string;
}

const { state, ids, idBytes, stallMs, folder, file } = workerData as StallTask;
/** So often it looks: a process that is stopped as a whole counts its looks no further. */
const looks = 5;
let last = -1;
let still = 0;
let noted = false;

setInterval(() => {
  const beats = Atomics.load(state, 0);
  still = beats === last && Atomics.load(state, 2) > 0 ? still + 1 : 0;
  last = beats;
  if (still > looks && !noted) note();
  else if (still === 0 && noted) forget();
}, stallMs / looks);

function note(): void {
  noted = true;
  const slot = Atomics.load(state, 1);
  if (slot === 0) return;
  const text = Buffer.from(ids.slice(slot * idBytes, (slot + 1) * idBytes)).toString();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify({ runId: text.replaceAll("\0", "") }), { mode: 0o600, flush: true });
  } catch {
    // A disk that takes nothing: the stop counts as any other loss of the process.
  }
}

/** It went on: nothing was lost. */
function forget(): void {
  noted = false;
  try {
    rmSync(file, { force: true });
  } catch {
    // The next start reads a note of a stop that was none: it takes two to end a run.
  }
}
