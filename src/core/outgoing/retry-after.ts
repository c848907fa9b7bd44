/**
 * Reads `Retry-After`, as RFC 9110 §10.2.3 has it: seconds or a date.
 *
 * @returns how long to wait, in milliseconds; nothing for what is neither.
 * @example retryAfterMs("120") // 120_000
 */
export function retryAfterMs(header: string | null | undefined): number | undefined {
  const text = header ?? "";
  const seconds = Number.parseFloat(text);
  const ms = Number.isNaN(seconds) ? Date.parse(text) - Date.now() : seconds * 1_000;
  return Number.isFinite(ms) ? Math.max(0, Math.round(ms)) : undefined;
}
