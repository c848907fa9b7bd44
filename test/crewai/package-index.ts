import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Writes a wheel of each package of a lock file that holds nothing: what a package looks like that somebody has put in its place. */
const forge = `
import re, sys, zipfile
for name, version in re.findall(r"^([\\w.-]+)(?:\\[[^\\]]*\\])?==([^\\s;]+)", open(sys.argv[1]).read(), re.M):
    plain = re.sub(r"[-_.]+", "_", name).lower()
    with zipfile.ZipFile(f"{sys.argv[2]}/{plain}-{version}-py3-none-any.whl", "w") as wheel:
        info = f"{plain}-{version}.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: none\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    print(f"{plain}-{version}-py3-none-any.whl")
`;

interface Index extends AsyncDisposable {
  readonly url: string;
}

/** An index of Python packages, none of whose files is the one that the lock file names. */
export async function forgedIndex(lock: string): Promise<Index> {
  const folder = mkdtempSync(join(tmpdir(), "weftline-index-"));
  const files = execFileSync("python3", ["-c", forge, lock, folder], { encoding: "utf8" }).trim().split("\n");
  return serving(
    ({ url = "" }, response) => {
      const [, kind, name = ""] = url.split("/");
      if (kind === "files") return response.end(readFileSync(join(folder, name)));
      const own = files.filter((file) => file.startsWith(`${name.replaceAll("-", "_")}-`));
      return response
        .setHeader("content-type", "text/html")
        .end(`<!DOCTYPE html><html><body>${own.map((file) => `<a href="/files/${file}">${file}</a>`).join("\n")}</body></html>`);
    },
    () => rmSync(folder, { recursive: true }),
  );
}

/** An index that says nothing. */
export function silentIndex(): Promise<Index> {
  return serving(() => undefined);
}

async function serving(answer: RequestListener, end: () => void = () => undefined): Promise<Index> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      end();
    },
  };
}
