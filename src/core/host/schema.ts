import type { GraphBuilder } from "../graphql/builder.ts";
import { defineEnum } from "../graphql/enums.ts";
import { globalId } from "../graphql/ids.ts";
import { nodeType } from "../graphql/nodes.ts";
import { perEvent } from "../graphql/per-event.ts";
import { Actor, loadActorNodes, nodeIdOfActor } from "./actors.ts";
import { changesService, type ChangeNotice } from "./changes.ts";
import { PluginView, pluginDirectory } from "./plugins.ts";
import {
  ActorKind,
  ChangeKind,
  HealthComponent,
  HealthStatus,
  ListScope,
  PluginKind,
  PluginState,
  Provenance,
  ViewerView,
} from "./types.ts";

/** The part of the graph that stands without any plugin: who asks, which plugins there are, what changed. */
export function addPlatformSchema(builder: GraphBuilder): void {
  addEnums(builder);
  addViewer(builder);
  addPlugins(builder);
  addChanges(builder);
  builder.objectType(HealthComponent, {
    name: "HealthComponent",
    description: "The health of one part.",
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "Which part." }),
      status: t.field({ type: HealthStatus, nullable: false, description: "How it is.", resolve: (part) => part.status }),
      detail: t.exposeString("detail", { description: "Why, in words." }),
      latencyMs: t.exposeFloat("latencyMs", { description: "How long the check took, in milliseconds." }),
      checkedAt: t.field({ type: "DateTime", nullable: false, description: "When it was checked.", resolve: (part) => part.checkedAt }),
    }),
  });
}

function addEnums(builder: GraphBuilder): void {
  defineEnum(builder, Provenance, "Provenance", "Where an answer came from.", {
    LIVE: "From a real model.",
    SIMULATED: "From the simulated model, at least in part.",
    REPLAYED: "From a recording.",
  });
  defineEnum(builder, ListScope, "ListScope", "Whose objects a list shows.", {
    MINE: "The viewer's own.",
    TENANT: "All of the tenant; for admins.",
  });
  defineEnum(builder, HealthStatus, "HealthStatus", "How something is.", {
    UP: "It works.",
    DEGRADED: "It works in part.",
    DOWN: "It does not work.",
  });
  defineEnum(builder, ActorKind, "ActorKind", "What sort of actor.", {
    USER: "A person.",
    AGENT: "An agent.",
    SYSTEM: "The platform itself.",
    SERVICE: "A program with credentials of its own.",
  });
  defineEnum(builder, PluginState, "PluginState", "How a plugin is.", {
    READY: "It works.",
    DISABLED: "It is configured not to run.",
    UNAVAILABLE: "It loaded but lacks something; see reason and fix.",
    FAILED: "Its setup failed; see reason.",
  });
  defineEnum(builder, PluginKind, "PluginKind", "What sort of plugin.", {
    CORE: "Part of the platform.",
    CAPABILITY: "Adds something to do.",
    FRAMEWORK: "Adapts an agent framework.",
    ENGINE: "Dispatches runs.",
  });
  defineEnum(builder, ChangeKind, "ChangeKind", "What happened to an object.", {
    CREATED: "It is new.",
    UPDATED: "It changed.",
    DELETED: "It is gone.",
    RESYNC: "Refetch what you show: the first event, and the one after an overflow.",
  });
}

function addViewer(builder: GraphBuilder): void {
  nodeType(builder, Actor, {
    name: "Actor",
    description: "Who acts or owns. Filters take an actor's id; nothing takes one to act for.",
    ownership: { rule: "SHARED" },
    id: nodeIdOfActor,
    load: loadActorNodes,
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "The name to show." }),
      kind: t.field({ type: ActorKind, nullable: false, description: "What sort of actor.", resolve: (actor) => actor.kind }),
      self: t.boolean({
        nullable: false,
        description: "Whether this is the viewer.",
        resolve: (actor, _, scope) => actor.id === scope.viewer.actorId,
      }),
    }),
  });
  nodeType(builder, ViewerView, {
    name: "Viewer",
    description: "Who asks.",
    ownership: { rule: "PRIVATE" },
    load: async (ids, scope) => ids.map((id) => (id === scope.viewer.actorId ? viewerOf(scope.viewer) : undefined)),
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "The name to show." }),
      tenant: t.exposeString("tenant", { nullable: false, description: "The tenant the viewer belongs to." }),
      roles: t.stringList({
        nullable: false,
        description: "What the viewer may do beyond a member.",
        resolve: (viewer) => [...viewer.roles],
      }),
    }),
  });
  builder.queryField("viewer", (t) =>
    t.field({ type: ViewerView, nullable: false, description: "Who asks.", resolve: (_, __, scope) => viewerOf(scope.viewer) }),
  );
}

function viewerOf(viewer: {
  readonly actorId: string;
  readonly name: string;
  readonly tenantId: string;
  readonly roles: readonly string[];
}): ViewerView {
  return new ViewerView(viewer.actorId, viewer.name, viewer.tenantId, viewer.roles);
}

function addPlugins(builder: GraphBuilder): void {
  const Contribution = builder.objectRef<{ point: string; key: string }>("PluginContribution").implement({
    description: "Something that a plugin put at an extension point.",
    fields: (t) => ({
      point: t.exposeString("point", { nullable: false, description: "The extension point." }),
      key: t.exposeString("key", { nullable: false, description: "Its name there." }),
    }),
  });
  nodeType(builder, PluginView, {
    name: "Plugin",
    description: "An installed plugin.",
    ownership: { rule: "INSTALLED" },
    load: async (ids, scope) => {
      const all = scope.use(pluginDirectory).list();
      return ids.map((id) => all.find((plugin) => plugin.id === id));
    },
    fields: (t) => ({
      name: t.string({ nullable: false, description: "The plugin's id, as in plugins.config.ts.", resolve: (plugin) => plugin.id }),
      version: t.exposeString("version", { nullable: false, description: "Its version." }),
      kind: t.field({ type: PluginKind, nullable: false, description: "What sort of plugin.", resolve: (plugin) => plugin.kind }),
      state: t.field({ type: PluginState, nullable: false, description: "How it is.", resolve: (plugin) => plugin.state }),
      reason: t.exposeString("reason", { description: "Why it is not READY." }),
      fix: t.exposeString("fix", { description: "What makes it READY." }),
      description: t.exposeString("description", { description: "What it is for." }),
      provides: t.stringList({ nullable: false, description: "The services that it provides.", resolve: (plugin) => [...plugin.provides] }),
      requires: t.stringList({ nullable: false, description: "The services that it asks for.", resolve: (plugin) => [...plugin.requires] }),
      contributes: t.field({
        type: [Contribution],
        nullable: false,
        description: "What it put at extension points.",
        resolve: (plugin) => [...plugin.contributes],
      }),
      setupMs: t.exposeFloat("setupMs", { description: "How long its setup took, in milliseconds." }),
    }),
  });
  builder.queryField("plugins", (t) =>
    t.field({
      type: [PluginView],
      description: "The installed plugins, in the order in which they were set up.",
      resolve: (_, __, scope) => [...scope.use(pluginDirectory).list()],
    }),
  );
}

function addChanges(builder: GraphBuilder): void {
  const ChangeEvent = builder.objectRef<ChangeNotice>("ChangeEvent").implement({
    description: "Something changed. Coalesced by object for 250 ms; RESYNC comes first and after an overflow.",
    fields: (t) => ({
      kind: t.field({ type: ChangeKind, nullable: false, description: "What happened.", resolve: (change) => change.kind }),
      typeName: t.string({
        nullable: false,
        description: "The object's type; empty for RESYNC.",
        resolve: (change) => (change.kind === "RESYNC" ? "" : change.typeName),
      }),
      nodeId: t.id({
        description: "The object; null for RESYNC, and for what is the only one of its type, as Health.",
        resolve: (change) => (change.kind === "RESYNC" || change.id === undefined ? null : globalId(change.typeName, change.id)),
      }),
      version: t.int({
        description: "Its version, where it has one.",
        resolve: (change) => (change.kind === "RESYNC" ? null : (change.version ?? null)),
      }),
    }),
  });
  builder.subscriptionField("changes", (t) =>
    t.field({
      type: ChangeEvent,
      nullable: false,
      description: "What changed, so that lists refetch.",
      args: { typeNames: t.arg.stringList({ description: "Only these types; all by default." }) },
      subscribe: (_, { typeNames }, scope) => perEvent(scope, scope.use(changesService).follow(scope.viewer, typeNames ?? undefined)),
      resolve: (change) => change,
    }),
  );
}
