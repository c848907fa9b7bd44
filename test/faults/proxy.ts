import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A line between clients and a server that can be cut. */
export interface Proxy {
  readonly url: string;
  /** How many came so far. */
  readonly connections: number;
  /** Cuts one connection, on one side and in one way that chance picks. @returns whether there was one. */
  cut(): boolean;
  /** Cuts all that are open: with a reset, or with an end as if all were well. @returns how many there were. */
  cutAll(how: "reset" | "end"): number;
  close(): void;
}

/** Opens a proxy in front of a server's graph. */
export async function openProxy(target: string, random: () => number): Promise<Proxy> {
  const { port } = new URL(target);
  const lines = new Set<readonly [client: Socket, server: Socket]>();
  let connections = 0;
  const proxy = createServer((client) => {
    connections++;
    const server = connect(Number(port), "127.0.0.1");
    const line = [client, server] as const;
    lines.add(line);
    const end = (): void => {
      lines.delete(line);
      client.destroy();
      server.destroy();
    };
    for (const side of line) side.on("error", end).on("close", end);
    client.pipe(server).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: target.replace(port, String((proxy.address() as AddressInfo).port)),
    get connections() {
      return connections;
    },
    cut: () => {
      const line = [...lines][Math.floor(random() * lines.size)];
      const side = line?.[random() < 0.5 ? 0 : 1];
      if (random() < 0.5) side?.resetAndDestroy();
      else side?.destroy();
      return side !== undefined;
    },
    cutAll: (how) => {
      for (const [client] of lines) {
        if (how === "reset") client.resetAndDestroy();
        else client.destroy();
      }
      return lines.size;
    },
    close: () => {
      proxy.close();
      for (const [client, server] of lines) {
        client.destroy();
        server.destroy();
      }
    },
  };
}
