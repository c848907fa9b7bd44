import { isObjectType, type GraphQLObjectType, type GraphQLSchema } from "graphql";
import type { Viewer } from "#weftline";
import type { NodeRule } from "../../src/core/graphql/builder.ts";
import { isNode } from "./shape.ts";
import { everybody, secretOf, viewers, type Who } from "./world.ts";

/** How much of an object a viewer gets: all, that it exists and how it stands, or nothing. */
export type Sight = "CONTENT" | "STATUS" | "NOTHING";

/** What an object asks, or is asked for, that more than its owner may decide. */
export type Asks = "APPROVERS" | "OWNER";

/** The types of the graph that `node(id)` finds. */
export function nodeTypesOf(schema: GraphQLSchema): GraphQLObjectType[] {
  return Object.values(schema.getTypeMap()).filter((type): type is GraphQLObjectType => isObjectType(type) && isNode(type));
}

/** What a node type declares with `nodeType`. */
export function ruleOf(type: GraphQLObjectType): NodeRule | undefined {
  return (type.extensions["weftline"] as { readonly ownership?: NodeRule } | undefined)?.ownership;
}

const isAdmin = ({ roles }: Viewer): boolean => roles.includes("admin");
const isAuditor = (viewer: Viewer): boolean => isAdmin(viewer) && viewer.roles.includes("audit");

/** Whether the policies of an owner's agents name a viewer. */
export function mayDecideFor(owner: Who, who: Who): boolean {
  return viewers[who].roles.some((role) => role === "approver") && viewers[owner].tenantId === viewers[who].tenantId;
}

/** What a viewer gets of an object by the rule of its type, and by nothing else. @param asks whom the policy behind it lets decide. */
export function sightOf({ rule, admins, approvers }: NodeRule, owner: Who, who: Who, asks: Asks = "OWNER"): Sight {
  const viewer = viewers[who];
  if (rule === "INSTALLED" || owner === who) return "CONTENT";
  if (viewers[owner].tenantId !== viewer.tenantId) return "NOTHING";
  if (rule === "SHARED") return "CONTENT";
  if (asks === "APPROVERS" && mayDecideFor(owner, who) && (rule === "GRANTED" || approvers))
    return rule === "GRANTED" ? "CONTENT" : "STATUS";
  if (admins !== undefined && isAuditor(viewer)) return "CONTENT";
  return admins === "STATUS" && isAdmin(viewer) ? "STATUS" : "NOTHING";
}

/** What came of a change that a viewer tried at the object of another. */
export type Verdict = "ALLOWED" | "FORBIDDEN" | "NOT_FOUND";

/** What a mutation does with the object that a client names: it changes it, or it only points to it. */
export type Purpose = "CHANGE" | "USE" | "CANCEL";

/** What has to come of a mutation that names an object: SHARED ones are changed by owners and admins, all others by their owners. */
export function verdictOf(rule: NodeRule, owner: Who, who: Who, purpose: Purpose, asks: Asks = "OWNER"): Verdict {
  if (sightOf(rule, owner, who, asks) === "NOTHING") return "NOT_FOUND";
  if (owner === who || rule.rule === "INSTALLED") return "ALLOWED";
  if (rule.rule === "GRANTED" && asks === "APPROVERS" && mayDecideFor(owner, who)) return "ALLOWED";
  if (rule.rule === "SHARED") return purpose === "USE" || isAdmin(viewers[who]) ? "ALLOWED" : "FORBIDDEN";
  return purpose === "CANCEL" && isAdmin(viewers[who]) ? "ALLOWED" : "NOT_FOUND";
}

/** Whose content must not stand in any answer to a viewer. */
export function foreignSecrets(who: Who): { readonly owner: Who; readonly mark: string }[] {
  const hidden = everybody.filter((owner) => owner !== who && sightOf({ rule: "PRIVATE", admins: "STATUS" }, owner, who) !== "CONTENT");
  return hidden.map((owner) => ({ owner, mark: secretOf(owner, "") }));
}
