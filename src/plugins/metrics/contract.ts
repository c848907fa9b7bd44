import { extensionPoint } from "#weftline";

/** One value of a {@link MetricSource}, with the labels that tell it from the others. */
export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric of a plugin. Its values are in memory: it is asked at each scrape, and touches no table. */
export interface MetricSource {
  /** As in `weftline_mail_sent_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** At most 200 series are shown: give what may be many a label `other`. */
  collect(): Iterable<MetricSample>;
}

/**
 * Where plugins put metrics of their own, by name.
 *
 * @example contribute(metricSources, "mail", { name: "weftline_mail_sent_total", help: "Mails.", type: "counter", collect: () => [{ value: sent }] });
 */
export const metricSources = extensionPoint<MetricSource>("metrics.sources");
