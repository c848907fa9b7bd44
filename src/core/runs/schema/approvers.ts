import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import { Actor, actorOf } from "../../host/actors.ts";
import type { Approvers } from "../approvers/approvers.ts";
import type { ApproversInput } from "../approvers/read-approvers.ts";

/** The type key of `Approvers`: who besides the owner of a run may decide what it asks. */
export class ApproversView {
  readonly roles: readonly string[];
  /** Ids within the tenant. */
  readonly actors: readonly string[];

  constructor({ roles = [], actors = [] }: Approvers) {
    this.roles = roles;
    this.actors = actors;
  }
}

export function addApprovers(builder: GraphBuilder): void {
  builder.objectType(ApproversView, {
    name: "Approvers",
    description: "Who besides the owner of a run may decide what it asks.",
    fields: (t) => ({
      roles: t.stringList({ nullable: false, description: "All who hold one of these roles.", resolve: ({ roles }) => [...roles] }),
      actors: t.field({
        type: [Actor],
        nullable: false,
        description: "These actors.",
        resolve: ({ actors }, _, scope) => Promise.all(actors.map((id) => actorOf(scope, id))),
      }),
    }),
  });
  builder.inputType(inputNamed<ApproversInput>(builder, "ApproversInput"), {
    description: "Who besides the owner may decide.",
    fields: (t) => ({
      roles: t.stringList({ description: "All who hold one of these roles when they decide; at most 64." }),
      actors: t.idList({ description: "These actors, by their ids; at most 64." }),
    }),
  });
}
