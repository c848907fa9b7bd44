import { WeftlineError, type CliContext } from "#weftline";

const createFile = `mutation ($input: CreateFileInput!) { createFile(input: $input) {
  ... on CreateFilePayload { uploadUrl file { id } } ... on UserError { code message fix } } }`;

interface Created {
  readonly uploadUrl?: string;
  readonly file?: { readonly id: string };
  readonly message?: string;
  readonly fix?: string | null;
}

/** A file that goes to the server. */
export interface NewUpload {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Announces a file and sends its bytes. @returns its id. */
export async function uploadFile(graph: CliContext["graph"], { name, mediaType, bytes }: NewUpload): Promise<string> {
  const input = { name, mediaType, size: bytes.length };
  const { createFile: created } = await graph.request<{ createFile: Created }>(createFile, { input });
  if (!created.file || created.uploadUrl === undefined) throw refused(name, created.message ?? "for no reason", created.fix ?? undefined);
  const response = await graph.fetch(created.uploadUrl, {
    method: "PUT",
    body: new Uint8Array(bytes),
    headers: { "content-type": mediaType },
  });
  if (!response.ok) throw refused(name, `the server answered ${response.status} ${(await response.text()).slice(0, 300)}`);
  await response.body?.cancel();
  return created.file.id;
}

function refused(name: string, problem: string, fix = "Look at the limits of the plugin files."): WeftlineError {
  return new WeftlineError("CONFLICT", { message: `The file ${name} was refused: ${problem}`, fix });
}
