import { defineConfig } from "../../src/core/index.ts";
import { auth } from "../../src/plugins/index.ts";

/** A server that lets in nobody without a token. */
export default defineConfig({
  dataDir: process.env["WEFTLINE_DATA"] ?? "",
  plugins: [auth({ viewers: [{ token: "token-of-ada", id: "ada" }] })],
});
