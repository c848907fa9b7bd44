import { serviceRef, type Page, type PageArgs, type Scope } from "#weftline";
import type { ExampleNote } from "./entities.ts";

export { ExampleNote } from "./entities.ts";

/** A note as a caller wants it kept. */
export interface NewNote {
  readonly text: string;
  readonly idempotencyKey?: string | null | undefined;
}

/** Notes: what other plugins may do with this one. Every method acts as the scope's viewer. */
export interface ExampleService {
  /** Newest first. */
  list(scope: Scope, args: PageArgs): Promise<Page<ExampleNote>>;
  /** @throws CONFLICT where the viewer has as many notes as are allowed. */
  add(scope: Scope, note: NewNote): Promise<ExampleNote>;
  /** The viewer's notes as they are added from now on. */
  follow(scope: Scope): AsyncIterableIterator<ExampleNote>;
}

/** @example const note = await scope.use(exampleService).add(scope, { text: "Buy milk" }); */
export const exampleService = serviceRef<ExampleService>("example.notes");
