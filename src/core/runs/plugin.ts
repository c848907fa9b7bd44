import { commands } from "../commands.ts";
import { databaseService } from "../database/database.ts";
import { limitsService } from "../graphql/limits.ts";
import { changesService } from "../host/changes.ts";
import { dataFolder } from "../host/data-folder.ts";
import { contribution, serviceRef, optional } from "../kernel/refs.ts";
import { definePlugin } from "../plugin.ts";
import { uncaughtErrors } from "../process/uncaught-errors.ts";
import { publishChanges } from "./append.ts";
import { approverEntity } from "./approvers/entity.ts";
import { purgeApprovers } from "./approvers/rows.ts";
import { purgers, runService, runTargets, streamService } from "./contract.ts";
import type { CancelHost } from "./cancel.ts";
import { defaultEngineOptions, type EngineOptions } from "./engine-options.ts";
import { EmbeddedEngine } from "./engine.ts";
import { purgeCheckpoints } from "./checkpoint-store.ts";
import { checkpointEntity, checkpointValueEntity, checkpointWriteEntity } from "./entities/checkpoint.ts";
import { interruptEntity, messageEntity, toolCallEntity } from "./entities/message.ts";
import { runEntity, runMetadataEntity, stepEntity, usageEntity, type Run } from "./entities/run.ts";
import { eventEntity, storageEntity, streamEntity } from "./entities/stream.ts";
import { toolCallAuditEntity } from "./entities/tool-audit.ts";
import { runSignalEntity } from "./signals/entity.ts";
import { purgeSignals } from "./signals/rows.ts";
import { faultInjections } from "./failpoint.ts";
import { countDue } from "./due-runs.ts";
import { RunCounters, runFigures, type RunFigures } from "./figures.ts";
import type { PlaceOwner } from "./fair-places.ts";
import { startHousekeeping } from "./housekeeping.ts";
import { Hub } from "./hub.ts";
import { jobsCommand } from "./jobs/command.ts";
import { jobStateEntity } from "./jobs/entity.ts";
import { createJobs, jobService } from "./jobs/service.ts";
import { purgeStates } from "./jobs/state.ts";
import { jobTarget } from "./jobs/target.ts";
import { meterOf, type ModelMeter } from "./metering/meter.ts";
import { usageSumEntity } from "./metering/entity.ts";
import { endedRunEntity, runSumEntity } from "./metering/run-sums.ts";
import { purgeUsage } from "./metering/ledger.ts";
import { migrations } from "./migrations/index.ts";
import { beginningService, legalHolds } from "./retention/contract.ts";
import { contributeRetention } from "./retention/contributions.ts";
import { DeltaAges } from "./retention/deltas.ts";
import { createHolds } from "./retention/holds.ts";
import { createBeginnings } from "./retention/messages.ts";
import { runOutboxes } from "./outbox.ts";
import { OpenRuns } from "./open-runs.ts";
import { addRunsSchema } from "./schema/index.ts";
import { ProviderFailures } from "./provider-failures.ts";
import { createRunService } from "./service.ts";
import { createStreams } from "./streams.ts";
import { StallWatch } from "./stall-watch.ts";
import { StorageQuota } from "./storage-quota.ts";
import { ToolGates } from "./tool-gates.ts";
import { toolRegistry } from "./tools.ts";
import type { Lookup } from "./cast.ts";
import { valueEntity } from "./values/entity.ts";
import { LogWriter } from "./writer.ts";

/** How long runs at work may take to reach their end when the server closes, in milliseconds. */
const drainMs = 5_000;

/** The engine, for what watches it: health, tests. */
export const engineService = serviceRef<EmbeddedEngine>("runs.engine");

/** The parts of the host that runs look up when they need them, since their plugins are set up later. */
export const turnLookup = serviceRef<Lookup>("weftline.lookup");

/** Runs: the engine, the log, and the graph of both. */
export const runsPlugin = definePlugin({
  id: "runs",
  kind: "CORE",
  description: "Runs, their log and the engine that advances them.",
  contributes: [contribution(commands, "jobs", jobsCommand)],
  entities: [
    streamEntity,
    storageEntity,
    eventEntity,
    runEntity,
    runMetadataEntity,
    usageEntity,
    usageSumEntity,
    endedRunEntity,
    runSumEntity,
    stepEntity,
    messageEntity,
    toolCallEntity,
    interruptEntity,
    approverEntity,
    runSignalEntity,
    valueEntity,
    toolCallAuditEntity,
    checkpointEntity,
    checkpointValueEntity,
    checkpointWriteEntity,
    jobStateEntity,
  ],
  migrations,
  schema: addRunsSchema,
  requires: {
    database: databaseService,
    folder: dataFolder,
    limits: limitsService,
    lookup: turnLookup,
    uncaught: uncaughtErrors,
    changes: optional(changesService),
  },
  provides: {
    runs: runService,
    streams: streamService,
    engine: engineService,
    figures: runFigures,
    jobs: jobService,
    holds: legalHolds,
    beginnings: beginningService,
  },
  setup({ deps, log, contribute, contributions, onReady, onClose }) {
    const { database, lookup, uncaught, changes } = deps;
    const faults = contributions(faultInjections).get("suite")?.value;
    const failpoint = faults?.failpoint;
    if (failpoint) database.probeCommits(failpoint);
    const options: EngineOptions = { ...defaultEngineOptions, ...faults?.engine };
    const outboxes = contributions(runOutboxes);
    const meter = (): ModelMeter | undefined => meterOf(lookup);
    const counters = new RunCounters();
    const hub = new Hub(counters);
    const stalls = new StallWatch(deps.folder.of("runs"), options.stallMs);
    const quota = new StorageQuota(database, () => deps.limits());
    const writer: LogWriter = new LogWriter(database, hub, {
      ring: (id) => engine.ring(id),
      ringIn: (id, ms) => engine.ringIn(id, ms),
      wake: (id) => engine.wake(id),
      committed: (run, events, bytes) => {
        quota.add(run, bytes);
        publishChanges(changes, run, events);
      },
      outboxes,
      meter,
      counters,
    });
    const providers = new ProviderFailures(log);
    const signals: CancelHost = {
      hub,
      changes,
      quota,
      outboxes,
      meter,
      ring: (id) => engine.ring(id),
      ringIn: (id, ms) => engine.ringIn(id, ms),
      wake: (id) => engine.wake(id),
      nudge: (id, reason) => engine.nudge(id, "RUN_CANCELLED", reason === undefined ? {} : { reason }),
    };
    const engine: EmbeddedEngine = new EmbeddedEngine(
      {
        database,
        writer,
        log,
        lookup,
        gates: new ToolGates(),
        uncaught,
        providers,
        quota,
        stalls,
        counters,
        signals,
        advanceBelow: (id) => engine.advanceBelow(id),
        failpoint,
      },
      options,
    );
    const host = {
      ...signals,
      database,
      lookup,
      ages: new DeltaAges(),
      providers,
      log,
      claim: (owner: PlaceOwner) => engine.claim(owner),
      adopt: (run: Run) => engine.adopt(run),
      pause: (id: string) => engine.pause(id),
      openRuns: new OpenRuns(() => deps.limits().openRunsPerViewer),
      registry: () => (lookup.has(toolRegistry) ? lookup.use(toolRegistry) : undefined),
    };
    const removal = { database, quota, purgers: contributions(purgers) };
    contributeRetention(contribute, { ...removal, ages: host.ages });
    contribute(purgers, "runs.approvers", { purge: ({ sql }, { runIds }) => purgeApprovers(sql, runIds) });
    contribute(purgers, "runs.signals", { purge: ({ sql }, { runIds }) => purgeSignals(sql, runIds) });
    contribute(purgers, "runs.usage", { purge: ({ sql }, what) => purgeUsage(sql, what) });
    contribute(purgers, "runs.checkpoints", { purge: ({ sql }, { runIds }) => purgeCheckpoints(sql, runIds) });
    contribute(purgers, "runs.jobs", { purge: ({ sql }, { runIds }) => purgeStates(sql, runIds) });
    contribute(runTargets, "Job", jobTarget(database, lookup));
    onReady(() => engine.start("takeOver"));
    onClose(startHousekeeping(host, faults?.housekeeping));
    onClose(async () => {
      await engine.stop(faults?.drainMs ?? drainMs);
      await writer.idle();
      await quota.save();
    });
    const figures: RunFigures = {
      read: () => ({ counters, engine: engine.reading }),
      programOf: (runId) => counters.programs.of(runId),
      due: () => countDue(database.read),
    };
    return {
      runs: createRunService(host),
      streams: createStreams(host),
      engine,
      figures,
      jobs: createJobs(host),
      holds: createHolds(database),
      beginnings: createBeginnings(removal),
    };
  },
});
