import { databaseService, definePlugin, runFigures, streamService, tracers, version } from "#weftline";
import { healthChecks } from "#plugins/health";
import { metricSources } from "#plugins/metrics";
import { otelConfig, type OtelConfig } from "./config.ts";
import { readRows } from "./rows.ts";
import { spansOf } from "./run-spans.ts";
import { SpanSender } from "./sender.ts";
import { readableSpan, type SpanOrigin } from "./span.ts";

/** How long what waits may take to be sent when the server closes, in milliseconds. */
const closeMs = 2_000;

/** Kinds of events that end a run. */
const endings: ReadonlySet<string> = new Set(["run.finished", "run.failed", "run.cancelled", "run.expired"]);

/** Takes no prerelease of another line: the three belong together. */
const install = "npm install @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1 @opentelemetry/exporter-trace-otlp-proto@0.301.1";

/**
 * Traces of runs for an OpenTelemetry collector, by the GenAI conventions. Off without an endpoint.
 *
 * @example otel({ endpoint: process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] })
 */
export const otel = definePlugin({
  id: "otel",
  kind: "CAPABILITY",
  description: "Traces of runs for OpenTelemetry.",
  config: otelConfig,
  requires: { database: databaseService, streams: streamService, figures: runFigures },
  setup: async ({ config, deps, log, contribute, status, onClose }) => {
    if (config.endpoint === undefined) return {};
    const exporter = await exporterFor(config.endpoint, config).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      status({ state: "UNAVAILABLE", reason: "The packages of OpenTelemetry are not installed.", fix: `Run: ${install}` });
    });
    if (!exporter) return {};
    const { database, streams, figures } = deps;
    const threshold = BigInt(Math.round(config.sample * 0xffff_ffff));
    // As other SDKs do it: by the last digits of the trace, so that all parts of a trace are recorded or none.
    const tracer = { records: (traceId: string) => BigInt(`0x${traceId.slice(-8)}`) < threshold || config.sample === 1 };
    const origin = originOf(config);
    const sender = new SpanSender({
      exporter,
      log,
      queue: config.queue,
      gatherMs: config.gatherMs,
      spansOf: async (runId) => {
        const rows = await readRows(database, runId, tracer);
        if (!rows) return [];
        const framework = figures.programOf(runId)?.framework;
        return spansOf(rows, { content: config.content, framework }).map((draft) => readableSpan(draft, origin));
      },
    });
    contribute(tracers, "otel", tracer);
    contribute(healthChecks, "otel", () =>
      sender.trouble === undefined ? { status: "UP" } : { status: "DEGRADED", detail: `Spans are lost: ${sender.trouble}.` },
    );
    contribute(metricSources, "otel", {
      name: "weftline_otel_total",
      help: "Spans that were exported or refused, and runs whose spans were dropped.",
      type: "counter",
      collect: () => Object.entries(sender.counts).map(([outcome, value]) => ({ labels: { outcome }, value: value as number })),
    });
    contribute(metricSources, "otel.waiting", {
      name: "weftline_otel_waiting_runs",
      help: "Runs whose spans wait to be sent.",
      type: "gauge",
      collect: () => [{ value: sender.waiting }],
    });
    onClose(() => sender.close(closeMs));
    onClose(
      streams.tap((_, events) => {
        for (const { kind, runId } of events) if (runId !== undefined && endings.has(kind)) sender.add(runId);
      }),
    );
    return {};
  },
});

async function exporterFor(endpoint: string, { headers, timeoutMs }: OtelConfig): Promise<SpanSenderExporter> {
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, "")}/v1/traces`, headers, timeoutMillis: timeoutMs, concurrencyLimit: 1 });
}

type SpanSenderExporter = ConstructorParameters<typeof SpanSender>[0]["exporter"];

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND" && error.message.includes("@opentelemetry/");
}

function originOf({ serviceName }: OtelConfig): SpanOrigin {
  const attributes = { "service.name": serviceName, "service.version": version };
  return { resource: { attributes } as unknown as SpanOrigin["resource"], instrumentationScope: { name: "weftline", version } };
}
