import { WeftlineError, isBlank, isLonger } from "#weftline";

/** In characters. */
export const longestText = 8_000;
/** In characters of JSON. */
const longestMetadata = 16_384;
/** Some ten years, in milliseconds. */
const longestTtl = 10 * 365 * 24 * 3_600_000;

export function refused(path: readonly string[], message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { path, message, issues: [{ path, message }] });
}

/** @throws INVALID_INPUT */
export function checkedText(text: string, path: readonly string[]): string {
  const trimmed = text.trim();
  if (isBlank(trimmed) || isLonger(trimmed, longestText)) throw refused(path, `A fact has 1 to ${longestText} characters.`);
  return trimmed;
}

/** @throws INVALID_INPUT */
export function checkedMetadata(metadata: unknown, path: readonly string[]): Readonly<Record<string, unknown>> {
  if (metadata == null) return {};
  if (typeof metadata !== "object" || Array.isArray(metadata)) throw refused(path, "Metadata is an object.");
  if (JSON.stringify(metadata).length > longestMetadata) throw refused(path, `Metadata has at most ${longestMetadata} characters of JSON.`);
  return metadata as Readonly<Record<string, unknown>>;
}

/** @returns when a fact expires that is remembered now. @throws INVALID_INPUT */
export function expiryOf(ttl: number | null | undefined, now: number): number | null {
  if (ttl == null) return null;
  if (ttl < 1 || ttl > longestTtl) throw refused(["input", "ttl"], "A fact lives for a moment at least, and for ten years at most.");
  return now + ttl;
}
