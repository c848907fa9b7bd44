import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** Processes as the system itself knows them, by /proc. */
export const processes = {
  /** Those below a process that load or play crews, the loading one first. */
  below: (root: number): number[] => all().filter((pid) => of(pid, "cmdline").includes("/worker/main.py") && descends(pid, root)),
  /** Those of a process group that live. */
  inGroup: (group: number): number[] => all().filter((pid) => stat(pid).group === group && lives(pid)),
  lives,
  environment: (pid: number): string => of(pid, "environ"),
  folder: (pid: number): string => linkOf(`/proc/${pid}/cwd`),
  threads: (pid: number): number => readdirSync(`/proc/${pid}/task`).length,
  /** Whether it has a connection over the network. */
  talks: (pid: number): boolean => {
    const inodes = ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
      of(pid, `net/${table}`)
        .split("\n")
        .flatMap((line) => /^\s*\d+:(?:\s+\S+){8}\s+(\d+)/.exec(line)?.[1] ?? []),
    );
    const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? []);
    return sockets.some((inode) => inodes.includes(inode));
  },
};

/** One that ended may stand in the table until its parent has looked. */
function lives(pid: number): boolean {
  return !["", "Z"].includes(stat(pid).state);
}

function all(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}

function of(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function stat(pid: number): { readonly state: string; readonly parent: number; readonly group: number } {
  const [, state = "", parent, group] = /^\d+ \(.*\) (\S) (\d+) (\d+)/s.exec(of(pid, "stat")) ?? [];
  return { state, parent: Number(parent ?? 0), group: Number(group ?? 0) };
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function descends(pid: number, root: number): boolean {
  for (let each = pid; each > 1; each = stat(each).parent) if (each === root) return true;
  return false;
}
