import config from "../plugins.config.ts";
import { defineConfig } from "../src/core/index.ts";
import { bench } from "./plugin.ts";

/** The configuration that ships, and the sources that only a bench needs. */
export default defineConfig({ ...config, plugins: [config.plugins, bench()] });
