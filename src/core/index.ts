export { WholeCharacters, characterCount, characters, isBlank, isLonger } from "./json/characters.ts";
export { defineConfig, type WeftlineConfig } from "./config.ts";
export { commands, type CliAction, type CliArgument, type CliCommand, type CliContext, type CliGroup, type CliOption } from "./commands.ts";
export type { Sql } from "./database/sql.ts";
export { databaseService, type Database, type SqlTx, type Tx } from "./database/database.ts";
export { sqliteExtensions } from "./database/extensions.ts";
export { owned, type OwnershipRule } from "./database/ownership.ts";
export { hasRole, type Viewer } from "./database/viewer.ts";
export { loadExpressions, type Expression, type Expressions } from "./expressions/expressions.ts";
export { createTypeChecker, type ListType, type ObjectType, type TypeChecker, type ValueType } from "./expressions/types.ts";
export { WeftlineError, asWeftlineError, messageOf, type ErrorCode, type InputProblem } from "./errors.ts";
export type { GraphBuilder } from "./graphql/builder.ts";
export { createChannel, type Channel } from "./graphql/channel.ts";
export { connectionType, pageArgs, pageOf, pageOfList, type Page, type PageArgs } from "./graphql/connections.ts";
export { defineEnum, enumKey } from "./graphql/enums.ts";
export { extendInput, inputNamed, unionMember } from "./graphql/extend.ts";
export { globalId, localId, localIdOrNothing } from "./graphql/ids.ts";
export { Node, loadNode, loadRow, loadRows, nodeType } from "./graphql/nodes.ts";
export { plainJson, plainText } from "./json/plain.ts";
export { isLoopbackAddress } from "./graphql/origins.ts";
export { isoDurationMs } from "./graphql/scalars.ts";
export { checkTexts } from "./graphql/text.ts";
export { perEvent } from "./graphql/per-event.ts";
export { httpRoutes, openRoutes, type HttpRoute, type OpenRoute, type OpenRouteRequest, type RouteResponse } from "./graphql/routes.ts";
export { pageOfRows } from "./graphql/row-page.ts";
export { InputIssue, addBudgetError, resultType, type UserFailure } from "./graphql/results.ts";
export {
  authenticators,
  authorizationService,
  hostHealth,
  type ActorKey,
  type Authenticator,
  type Authorization,
  type Credentials,
  type Scope,
} from "./graphql/scope.ts";
export { actingScopes, type ActingScopes } from "./host/acting-scopes.ts";
export { Actor, actorOf, actorNamed, graphIdOfActor } from "./host/actors.ts";
export { changesService, type Changes } from "./host/changes.ts";
export { dataFolder } from "./host/data-folder.ts";
export { Distribution } from "./figures/distribution.ts";
export { serverCounters } from "./graphql/server-counters.ts";
export { simulationPolicy, type Simulation } from "./host/simulation.ts";
export { hashOf, idempotently } from "./host/idempotency.ts";
export { pluginDirectory, type PluginDirectory } from "./host/plugins.ts";
export { ActorKind, HealthComponent, HealthStatus, ListScope, Provenance } from "./host/types.ts";
export { doctorChecks, type DoctorCheck, type DoctorContext, type DoctorFinding } from "./doctor-checks.ts";
export { installers, type InstallContext, type Installer } from "./installers.ts";
export { keptFiles, type KeptFiles } from "./kept-files.ts";
export {
  contribution,
  extensionPoint,
  optional,
  serviceRef,
  type Contribution,
  type ExtensionPoint,
  type ServiceRef,
} from "./kernel/refs.ts";
export type { Logger, MaybePromise, SetupContext } from "./kernel/spec.ts";
export { retryAfterMs } from "./outgoing/retry-after.ts";
export { outgoingHttp, type OutgoingHttp, type OutgoingRequest, type OutgoingResponse } from "./outgoing/outgoing-http.ts";
export { sealedValues, type SealedPlace, type SealedValues } from "./sealed/sealed-values.ts";
export { createOffload } from "./offload/offload.ts";
export { createPatterns } from "./pattern.ts";
export { definePlugin, type PluginSpec } from "./plugin.ts";
export * from "./runs/public.ts";
export { version } from "./version.ts";
