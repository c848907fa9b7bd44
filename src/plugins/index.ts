export { capabilities } from "./capabilities/index.ts";
export { models } from "./models/index.ts";
export { openai } from "./openai/index.ts";
export { simulated } from "./simulated/index.ts";
