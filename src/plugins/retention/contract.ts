export { RetentionPolicy } from "./entities.ts";
