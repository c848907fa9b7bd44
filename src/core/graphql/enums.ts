import type { GraphBuilder } from "./builder.ts";

/** An enum as a type key: each name maps to itself. */
export type EnumKey<Name extends string = string> = { readonly [N in Name]: N };

/**
 * An enum that is a value and a type key at once, for any number of graphs.
 *
 * @example
 * export const StopMode = enumKey("DRAIN", "CANCEL");
 * export type StopMode = keyof typeof StopMode;
 */
export function enumKey<const Name extends string>(...names: readonly Name[]): EnumKey<Name> {
  return Object.freeze(Object.fromEntries(names.map((name) => [name, name]))) as EnumKey<Name>;
}

/**
 * Defines an enum with a description for every value.
 *
 * @example defineEnum(builder, StopMode, "StopMode", "What stops with an agent.", { DRAIN: "Nothing: runs finish.", CANCEL: "Its runs." });
 */
export function defineEnum<Key extends EnumKey>(
  builder: GraphBuilder,
  key: Key,
  name: string,
  description: string,
  values: { readonly [N in keyof Key]: string },
): void {
  builder.enumType(
    key as never,
    {
      name,
      description,
      values: Object.fromEntries(Object.entries(values).map(([value, about]) => [value, { description: about }])),
    } as never,
  );
}
