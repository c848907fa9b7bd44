import { InputFieldBuilder, InputObjectRef, type InputFieldMap } from "@pothos/core";
import { partsOf, type GraphBuilder, type GraphTypes, type UnionMember } from "./builder.ts";

type InputFields = (t: InputFieldBuilder<GraphTypes, "InputObject">) => InputFieldMap;

/**
 * An input type by its name, shared by the plugin that defines it (`builder.inputType(ref, …)`) and those that use or extend it.
 *
 * @example args: { input: t.arg({ type: inputNamed<StartRunInput>(builder, "StartRunInput"), required: true }) }
 */
export function inputNamed<Shape extends object>(builder: GraphBuilder, name: string): InputObjectRef<GraphTypes, Shape> {
  const { inputs } = partsOf(builder);
  let ref = inputs.get(name);
  if (!ref) inputs.set(name, (ref = new InputObjectRef<GraphTypes, object>(name)));
  return ref as InputObjectRef<GraphTypes, Shape>;
}

/**
 * Adds fields to an input type of another plugin: the owner of a concept contributes the field that names it.
 *
 * @example extendInput(builder, "RunTargetInput", (t) => ({ agent: t.field({ type: inputNamed(builder, "AgentRef") }) }));
 */
export function extendInput(builder: GraphBuilder, name: string, fields: InputFields): void {
  partsOf(builder).extendedInputs.add(name);
  inputNamed(builder, name).addFields(() => fields(new InputFieldBuilder(builder as never, "InputObject") as never));
}

/** Names of the input types that plugins extended, to be read when the schema is built. */
export function extendedInputs(builder: GraphBuilder): ReadonlySet<string> {
  return partsOf(builder).extendedInputs;
}

/**
 * Adds a member to an open union of another plugin, as to `MessagePart`.
 *
 * @example unionMember(builder, "MessagePart", { type: FilePart, typeName: "FilePart", isMember: (part: StoredPart) => part.type === "file" });
 */
export function unionMember(builder: GraphBuilder, union: string, member: UnionMember): void {
  membersOf(builder, union).push(member);
}

/** The members of an open union, to be read when the schema is built. */
export function membersOf(builder: GraphBuilder, union: string): UnionMember[] {
  const { unions } = partsOf(builder);
  let members = unions.get(union);
  if (!members) unions.set(union, (members = []));
  return members;
}
