import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { brotliCompress, constants, gunzip, gzip } from "node:zlib";
import { csrfHeaders } from "./csrf.ts";
import { exampleTabs } from "./graphiql-examples.ts";
import { pageScript, pageStyle } from "./graphiql-page.ts";

/** The page in the forms that browsers take, and what goes with it. */
interface RenderedPage {
  readonly br: Buffer;
  readonly gzip: Buffer;
  /** Hash of the page, for `ETag`. */
  readonly tag: string;
  /** Hashes of its scripts, for the content policy. */
  readonly scripts: readonly string[];
}

const favicon = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M1 4h14M1 8h14M1 12h14M4 1v14M8 1v14M12 1v14" stroke="#0d9488" stroke-width="1.5"/></svg>`,
)}`;

/** GraphiQL as one page that asks nobody else for anything. Rendered and compressed at the first request, once a server. */
export class GraphiqlPage {
  #page: Promise<RenderedPage> | undefined;

  async send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const page = await (this.#page ??= render());
    const encoding = encodingFor(request.headers["accept-encoding"]);
    const tag = `"${page.tag}-${encoding}"`;
    response.setHeader("content-security-policy", policy(page.scripts, request.headers.host));
    response.setHeader("cache-control", "no-cache");
    response.setHeader("vary", "accept-encoding");
    response.setHeader("etag", tag);
    if (request.headers["if-none-match"]?.includes(tag)) {
      response.writeHead(304).end();
      return;
    }
    const body = encoding === "identity" ? await promisify(gunzip)(page.gzip) : page[encoding];
    if (encoding !== "identity") response.setHeader("content-encoding", encoding);
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-length": body.length }).end(body);
  }
}

async function render(): Promise<RenderedPage> {
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const rendered = renderGraphiQL({
    title: "Weftline",
    favicon,
    logo: " ",
    endpoint: "/graphql",
    subscriptionsProtocol: "WS",
    additionalHeaders: { [csrfHeaders[0]]: "1" },
    defaultTabs: [...exampleTabs],
  });
  const script = /<script>([^]*)<\/script>/.exec(rendered)?.[1] ?? "";
  const html = rendered.replace("</head>", () => `<style>${pageStyle}</style><script>${pageScript}</script></head>`);
  const text = Buffer.from(html);
  const [br, zipped] = await Promise.all([
    promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: text.length } }),
    promisify(gzip)(text),
  ]);
  return {
    br,
    gzip: zipped,
    tag: createHash("sha256").update(text).digest("base64url").slice(0, 22),
    scripts: [pageScript, script].map((code) => createHash("sha256").update(code).digest("base64")),
  };
}

/** Its own script, styles, workers and pictures, and this server: nothing else may be loaded or called. */
function policy(scripts: readonly string[], host = ""): string {
  const sockets = /^[\w.[\]:-]+$/.test(host) ? ` ws://${host} wss://${host}` : "";
  return [
    "default-src 'none'",
    `script-src ${scripts.map((hash) => `'sha256-${hash}'`).join(" ")}`,
    "worker-src blob:",
    "style-src 'unsafe-inline'",
    "font-src data:",
    "img-src data:",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function encodingFor(accepted: string | undefined): "br" | "gzip" | "identity" {
  const names = (accepted ?? "").split(",").flatMap((part) => (/;\s*q=0(\.0+)?\s*$/.test(part) ? [] : [part.split(";", 1)[0]?.trim()]));
  if (names.includes("br")) return "br";
  return names.includes("gzip") || names.includes("*") ? "gzip" : "identity";
}
