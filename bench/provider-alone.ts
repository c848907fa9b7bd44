import OpenAI from "openai";

/** The provider asked by its SDK from the driver, with nothing in between. @returns when each piece of text came, after the request. */
export async function askProvider(
  baseURL: string,
  text: string,
): Promise<readonly { readonly ms: number; readonly at: number; readonly text: string }[]> {
  const client = new OpenAI({ apiKey: "bench", baseURL, maxRetries: 0 });
  const sent = performance.now();
  const stream = await client.chat.completions.create({ model: "bench", stream: true, messages: [{ role: "user", content: text }] });
  const pieces: { ms: number; at: number; text: string }[] = [];
  for await (const { choices } of stream) {
    const content = choices[0]?.delta.content;
    if (content) pieces.push({ ms: performance.now() - sent, at: Date.now(), text: content });
  }
  return pieces;
}

/** How long each token was under way: where there is a rate its text is the time at which the provider sent it. */
export function lateness(pieces: readonly { readonly at: number; readonly text: string }[]): number[] {
  return pieces.flatMap(({ at, text }) => (text.match(/\d{13}/g) ?? []).map((sent) => at - Number(sent)));
}
