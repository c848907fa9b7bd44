/** Later versions may have more fields behind a dash; version 00 has none. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})((?:-.*)?)$/;

/**
 * A W3C `traceparent`, as a request brings it: which trace whoever asked is in.
 *
 * @returns it in version 00; nothing for what is none, which then is as if it had not been sent.
 */
export function readTraceparent(header: unknown): string | undefined {
  if (typeof header !== "string" || header.length > 256) return undefined;
  const [, version, traceId, spanId, flags, more] = form.exec(header.trim()) ?? [];
  if (traceId === undefined || version === "ff" || (version === "00" && more !== "")) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId ?? "")) return undefined;
  return `00-${traceId}-${spanId}-${flags}`;
}
