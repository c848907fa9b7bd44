export { collect, type CollectOptions } from "./collect.ts";
export { testPlatform, type TestPlatform, type TestPlatformOptions, type Variables } from "./test-platform.ts";
export { defaultViewer, testViewer } from "./viewers.ts";
