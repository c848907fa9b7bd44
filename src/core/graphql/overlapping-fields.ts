import {
  GraphQLError,
  Kind,
  getNamedType,
  isCompositeType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  print,
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

/** A field as one place of the answer is asked for by it. */
interface Entry {
  readonly parent: GraphQLCompositeType;
  readonly node: FieldNode;
  readonly type: GraphQLOutputType | undefined;
}

/** Fields that stand for the same place of the answer, and what is asked of them. */
interface Group {
  readonly entries: readonly Entry[];
  /** `merge`: they must be the same field wherever both can apply. `shape`: they only must not contradict each other's types. */
  readonly rule: "merge" | "shape";
}

/** Fields that are looked at in all; a document of some 2,000 tokens that is meant well has a few hundred. */
const mostSteps = 50_000;

/**
 * A validation rule in place of graphql's OverlappingFieldsCanBeMerged, which compares each two fields of one name, so that a document of 480
 * times `viewer { id }` takes 200 ms, and one whose fragments spread each other exhausts the stack. This one compares the fields of a place
 * with the first of them, place by place, and what it has looked at it does not look at again.
 */
export function OverlappingFieldsRule(context: ValidationContext): ASTVisitor {
  let check: OverlapCheck | undefined;
  return {
    OperationDefinition: ({ operation, selectionSet }) => {
      const root = context.getSchema().getRootType(operation);
      if (root) (check ??= new OverlapCheck(context)).run(selectionSet, root);
      return undefined;
    },
  };
}

class OverlapCheck {
  readonly #context: ValidationContext;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #numbers = new Map<FieldNode, number>();
  readonly #known = new Set<string>();
  readonly #arguments = new Map<FieldNode, string>();
  #steps = 0;

  constructor(context: ValidationContext) {
    this.#context = context;
    for (const definition of context.getDocument().definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
  }

  run(selections: SelectionSetNode, root: GraphQLCompositeType): void {
    const fields = this.#collect([{ selections, parent: root }]);
    const open: Group[] = [
      { entries: fields, rule: "merge" },
      { entries: fields, rule: "shape" },
    ];
    for (let group = open.pop(); group; group = open.pop()) {
      for (const entries of byName(group.entries).values()) {
        if (this.#steps > mostSteps) return this.#report("The document asks for the same fields in too many ways.", []);
        for (const same of group.rule === "merge" ? this.#applyingTogether(entries) : [entries]) {
          const problem = same.length > 1 ? this.#problemOf(same, group.rule) : undefined;
          if (problem) return this.#report(problem.message, problem.nodes);
          const below = this.#below(same);
          if (below.length > 0 && this.#isNew(below, group.rule)) open.push({ entries: below, rule: group.rule });
        }
      }
    }
  }

  /** Fields of two object types never apply to one value; those of interfaces and unions may apply to any. */
  #applyingTogether(entries: readonly Entry[]): readonly (readonly Entry[])[] {
    if (entries.length === 1) return [entries];
    const anywhere = entries.filter(({ parent }) => !isObjectType(parent));
    const byObject = new Map<GraphQLCompositeType, Entry[]>();
    for (const entry of entries) {
      if (!isObjectType(entry.parent)) continue;
      const own = byObject.get(entry.parent);
      if (own) own.push(entry);
      else byObject.set(entry.parent, [entry]);
    }
    if (byObject.size === 0) return [anywhere];
    this.#steps += anywhere.length * byObject.size;
    return [...byObject.values()].map((own) => [...anywhere, ...own]);
  }

  #problemOf(entries: readonly Entry[], rule: Group["rule"]): { message: string; nodes: FieldNode[] } | undefined {
    const [first] = entries;
    if (!first) return undefined;
    for (const entry of entries) {
      this.#steps++;
      const reason = entry === first ? undefined : this.#difference(first, entry, rule);
      if (reason === undefined) continue;
      const name = first.node.alias?.value ?? first.node.name.value;
      const advice = "Use different aliases on the fields to fetch both if this was intentional.";
      return { message: `Fields "${name}" conflict because ${reason}. ${advice}`, nodes: [first.node, entry.node] };
    }
    return undefined;
  }

  #difference(a: Entry, b: Entry, rule: Group["rule"]): string | undefined {
    if (rule === "shape") {
      if (!a.type || !b.type || haveOneShape(a.type, b.type)) return undefined;
      return `they return conflicting types "${String(a.type)}" and "${String(b.type)}"`;
    }
    const [nameA, nameB] = [a.node.name.value, b.node.name.value];
    if (nameA !== nameB) return `"${nameA}" and "${nameB}" are different fields`;
    return this.#argumentsOf(a.node) === this.#argumentsOf(b.node) ? undefined : "they have differing arguments";
  }

  #argumentsOf(node: FieldNode): string {
    const known = this.#arguments.get(node);
    if (known !== undefined) return known;
    const text = (node.arguments ?? [])
      .map((argument) => print(argument))
      .toSorted()
      .join(", ");
    this.#arguments.set(node, text);
    return text;
  }

  #below(entries: readonly Entry[]): Entry[] {
    return this.#collect(
      entries.flatMap(({ node: { selectionSet }, type }) => {
        const parent = type && getNamedType(type);
        return selectionSet && isCompositeType(parent) ? [{ selections: selectionSet, parent }] : [];
      }),
    );
  }

  /** All fields of some selections, each fragment once. */
  #collect(selected: readonly { readonly selections: SelectionSetNode; readonly parent: GraphQLCompositeType }[]): Entry[] {
    const entries: Entry[] = [];
    const spread = new Set<string>();
    const open = selected.toReversed();
    for (let at = open.pop(); at && this.#steps <= mostSteps; at = open.pop()) {
      const { parent } = at;
      for (const selection of at.selections.selections) {
        this.#steps++;
        if (selection.kind === Kind.FIELD) {
          entries.push({ parent, node: selection, type: this.#typeOf(parent, selection) });
          continue;
        }
        const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined;
        if (name !== undefined && spread.has(name)) continue;
        if (name !== undefined) spread.add(name);
        const part = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value);
        const type = part?.typeCondition ? this.#context.getSchema().getType(part.typeCondition.name.value) : parent;
        if (part && isCompositeType(type)) open.push({ selections: part.selectionSet, parent: type });
      }
    }
    return entries;
  }

  #typeOf(parent: GraphQLCompositeType, { name }: FieldNode): GraphQLOutputType | undefined {
    return this.#context.getSchema().getField(parent, name.value)?.type;
  }

  #isNew(entries: readonly Entry[], rule: Group["rule"]): boolean {
    const numbers = new Set(entries.map(({ node }) => this.#numberOf(node)));
    const key = `${rule} ${[...numbers].toSorted((a, b) => a - b).join(" ")}`;
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    return true;
  }

  #numberOf(node: FieldNode): number {
    const known = this.#numbers.get(node) ?? this.#numbers.size;
    this.#numbers.set(node, known);
    return known;
  }

  #report(message: string, nodes: readonly FieldNode[]): void {
    this.#context.reportError(new GraphQLError(message, { nodes }));
  }
}

function byName(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = entry.node.alias?.value ?? entry.node.name.value;
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  return groups;
}

/** Whether values of both types look alike in an answer. */
function haveOneShape(a: GraphQLOutputType, b: GraphQLOutputType): boolean {
  if (isNonNullType(a) || isNonNullType(b)) return isNonNullType(a) && isNonNullType(b) && haveOneShape(a.ofType, b.ofType);
  if (isListType(a) || isListType(b)) return isListType(a) && isListType(b) && haveOneShape(a.ofType, b.ofType);
  return isLeafType(a) || isLeafType(b) ? a === b : true;
}
