import { inputSchemaOf, type JobDefinition } from "./definition.ts";

/** The type key of `Job`. */
export class Job {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly plugin: string;
  readonly #definition: JobDefinition;

  constructor(definition: JobDefinition, plugin: string) {
    this.id = definition.name;
    this.name = definition.name;
    this.description = definition.description;
    this.plugin = plugin;
    this.#definition = definition;
  }

  /** JSON Schema; nothing where it takes no input. */
  get inputSchema(): Readonly<Record<string, unknown>> | undefined {
    return inputSchemaOf(this.#definition);
  }
}
