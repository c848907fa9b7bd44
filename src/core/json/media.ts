/** What is shorter than this may stand in a text: no picture is. */
const minChars = 200;
const dataUrl = /data:([\w.+-]+\/[\w.+-]+)(?:;[\w=.-]+)*;base64,([A-Za-z0-9+/_=-]{200,})/g;
const base64 = /^[A-Za-z0-9+/_=\s-]+$/;
/** Where tools, MCP servers and providers put bytes, and where they say what those are. */
const dataKeys = new Set(["data", "blob", "base64", "b64_json", "bytes"]);
const typeKeys = ["mimeType", "mime_type", "mediaType", "media_type", "contentType", "content_type"];
const kinds = new Set(["image", "audio", "video", "file", "document"]);

/**
 * A text in which pictures, sounds and other bytes, written as base64, are named by their type and size: as text they are of no use to a model, and
 * cost what a book costs.
 *
 * @param key where the text stands in `holder`.
 * @param holder the object or list that holds it, which may say what it is.
 */
export function withoutMedia(text: string, key = "", holder?: object): string {
  if (text.length < minChars) return text;
  const type = dataKeys.has(key) && holder ? typeIn(holder as Readonly<Record<string, unknown>>, key) : undefined;
  if (type !== undefined && base64.test(text)) return note(type, text);
  return text.includes(";base64,") ? text.replace(dataUrl, (_, named: string, data: string) => note(named, data)) : text;
}

function typeIn(holder: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const named = typeKeys.map((name) => (Object.hasOwn(holder, name) ? holder[name] : undefined)).find((type) => typeof type === "string");
  if (named !== undefined) return named.slice(0, 100);
  const kind = Object.hasOwn(holder, "type") ? holder["type"] : undefined;
  if (typeof kind === "string" && kinds.has(kind)) return kind;
  return key === "b64_json" || key === "base64" ? "data" : undefined;
}

function note(type: string, data: string): string {
  return `[${type}, ${Math.floor((data.length * 3) / 4)} bytes: left out, since it is no text]`;
}
