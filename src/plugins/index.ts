export { agents } from "./agents/index.ts";
export { capabilities } from "./capabilities/index.ts";
export { chat } from "./chat/index.ts";
export { models } from "./models/index.ts";
export { openai } from "./openai/index.ts";
export { simulated } from "./simulated/index.ts";
