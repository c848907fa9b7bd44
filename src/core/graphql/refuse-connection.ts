import type { Duplex } from "node:stream";

const reasons: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** Answers a connection, or its upgrade, with a plain HTTP status and ends it. */
export function refuseConnection(tcp: Duplex, status: number): void {
  tcp.end(`HTTP/1.1 ${status} ${reasons[status] ?? "Error"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
