export { defineConfig, type WeftlineConfig } from "./core/config.ts";
export { createPlatform, type BootOptions, type Platform } from "./core/platform.ts";
