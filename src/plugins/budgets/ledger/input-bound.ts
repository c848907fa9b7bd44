/** What a picture costs at most, and of the models that charge the most for one. */
const pictureTokens = 5_000;
const dearPicture = { models: /(^|\/)gpt-4o-mini/, tokens: 50_000 };

/** How many characters of a document or a recording a token stands for, and what is held for what the provider has or fetches: nobody here knows its length. */
const fileCharacters = 10;
const elsewhereTokens = 100_000;

/** Names of what a provider keeps, and reads again before the request. */
const kept = ["previous_response_id", "conversation"];

/** Parts of a message that are files, and where their content stands. A text stays one, whatever it looks like. */
const files: Readonly<Record<string, { readonly picture: boolean; readonly content: readonly (readonly string[])[] }>> = {
  image_url: { picture: true, content: [["image_url", "url"], ["image_url"]] },
  input_image: { picture: true, content: [["image_url"]] },
  file: { picture: false, content: [["file", "file_data"]] },
  input_file: { picture: false, content: [["file_data"]] },
  input_audio: { picture: false, content: [["input_audio", "data"]] },
};

const base64 = /^(?:data:[^,"]{0,200};base64,)?[\w+/=-]*$/;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/**
 * No more tokens than this are read: a token of a text is a byte at least, also of scripts and pictographs that a tokenizer has no words for. Files count by
 * what they are.
 */
export function boundOf(body: string, parsed: Fields | undefined): number {
  let tokens = Buffer.byteLength(body);
  if (!parsed) return tokens;
  const model = String(parsed["model"] ?? "");
  tokens += kept.filter((name) => parsed[name] != null).length * elsewhereTokens;
  const left: unknown[] = [parsed["messages"], parsed["input"]];
  while (left.length > 0) {
    const value = left.pop();
    if (!isFields(value)) continue;
    const file = typeof value["type"] === "string" && Object.hasOwn(files, value["type"]) ? files[value["type"]] : undefined;
    if (!file) {
      left.push(...Object.values(value));
      continue;
    }
    const content = file.content.map((path) => at(value, path)).find((each) => typeof each === "string");
    const isHere = content !== undefined && base64.test(content);
    // What is here stands in the body, too.
    if (isHere) tokens -= content.length;
    if (file.picture) tokens += dearPicture.models.test(model) ? dearPicture.tokens : pictureTokens;
    else tokens += isHere ? Math.ceil(content.length / fileCharacters) : elsewhereTokens;
  }
  return tokens;
}

function at(value: unknown, path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>((inner, name) => (isFields(inner) ? inner[name] : undefined), value);
  return typeof found === "string" ? found : undefined;
}
