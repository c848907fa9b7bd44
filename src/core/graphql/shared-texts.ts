import { Kind, getOperationAST, visit, type DocumentNode, type ExecutionArgs, type ExecutionResult } from "graphql";
import type { Viewer } from "../database/viewer.ts";
import type { MaybePromise } from "../kernel/spec.ts";
import type { Authorization } from "./scope.ts";
import { whenKnown } from "./take.ts";

/** The responses to one operation of one viewer, as JSON, for all who ask for it at the same time. */
export interface SharedText {
  /** The response to an event: made by whoever comes first, and good for the others as long as nothing is revoked. */
  of(event: unknown, respond: () => MaybePromise<ExecutionResult>): MaybePromise<string>;
  leave(): void;
}

/**
 * Who shares with whom. Two subscriptions share if nothing that a response depends on differs: the document and its operation, the variables but for
 * the place from which they follow, and the viewer in whole. Two people never share, whatever both may see.
 */
export class SharedTexts {
  readonly #groups = new WeakMap<DocumentNode, Map<string, Group>>();
  readonly #cursors = new WeakMap<DocumentNode, ReadonlySet<string>>();
  readonly #authorization: () => Authorization;

  constructor(authorization: () => Authorization) {
    this.#authorization = authorization;
  }

  join(args: ExecutionArgs, viewer: Viewer): SharedText {
    const { document } = args;
    let groups = this.#groups.get(document);
    if (!groups) this.#groups.set(document, (groups = new Map<string, Group>()));
    const key = this.#keyOf(args, viewer);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = new Group(this.#authorization(), () => groups.delete(key))));
    return group.join();
  }

  #keyOf(args: ExecutionArgs, { tenantId, actorId, name, roles }: Viewer): string {
    const cursors = this.#cursorsOf(args);
    const variables = Object.entries(args.variableValues ?? {})
      .filter(([variable]) => !cursors.has(variable))
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([tenantId, actorId, name, roles, args.operationName ?? null, variables]);
  }

  #cursorsOf(args: ExecutionArgs): ReadonlySet<string> {
    let cursors = this.#cursors.get(args.document);
    if (!cursors) this.#cursors.set(args.document, (cursors = cursorsOf(args)));
    return cursors;
  }
}

/** The variable that says after which event to begin, if it says nothing else. A document of several operations has none. */
function cursorsOf({ document }: ExecutionArgs): ReadonlySet<string> {
  const operation = getOperationAST(document);
  const uses = new Map<string, number>();
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void uses.set(name.value, (uses.get(name.value) ?? 0) + 1),
  });
  const cursors = new Set<string>();
  for (const field of operation?.selectionSet.selections ?? []) {
    if (field.kind !== Kind.FIELD) continue;
    for (const { name, value } of field.arguments ?? [])
      if (name.value === "after" && value.kind === Kind.VARIABLE && uses.get(value.name.value) === 1) cursors.add(value.name.value);
  }
  return cursors;
}

/** Those who ask the same. Alone, nobody keeps anything. */
class Group {
  readonly #authorization: Authorization;
  readonly #onEmpty: () => void;
  #members = 0;
  #version: number;
  #texts = new WeakMap<object, MaybePromise<string>>();

  constructor(authorization: Authorization, onEmpty: () => void) {
    this.#authorization = authorization;
    this.#version = authorization.version;
    this.#onEmpty = onEmpty;
  }

  join(): SharedText {
    this.#members++;
    return this;
  }

  leave(): void {
    if (--this.#members === 0) this.#onEmpty();
  }

  of(event: unknown, respond: () => MaybePromise<ExecutionResult>): MaybePromise<string> {
    if (this.#members === 1 || typeof event !== "object" || event === null) return whenKnown(respond(), JSON.stringify);
    if (this.#version !== this.#authorization.version) {
      this.#version = this.#authorization.version;
      this.#texts = new WeakMap();
    }
    const known = this.#texts.get(event);
    if (known !== undefined) return known;
    const texts = this.#texts;
    const text = whenKnown(respond(), (result) => {
      const made = JSON.stringify(result);
      // What failed is tried again by whoever comes next.
      if (result.errors) texts.delete(event);
      else texts.set(event, made);
      return made;
    });
    if (typeof text !== "string") texts.set(event, text);
    return text;
  }
}
