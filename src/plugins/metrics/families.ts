import type { Contribution } from "#weftline";
import type { MetricSource } from "./contract.ts";
import type { Sample } from "./series.ts";

/** A metric with all of its series, as it is shown. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** So many series of a plugin's metric are shown at most. */
const mostSeries = 200;

export function counter(name: string, help: string, value: number | readonly Sample[]): Family {
  return { name, help, type: "counter", samples: samplesOf(value) };
}

export function gauge(name: string, help: string, value: number | readonly Sample[]): Family {
  return { name, help, type: "gauge", samples: samplesOf(value) };
}

/** @param samples makes the samples of a metric of that name. */
export function histogram(name: string, help: string, samples: (name: string) => readonly Sample[]): Family {
  return { name, help, type: "histogram", samples: samples(name) };
}

function samplesOf(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === "number" ? [{ labels: {}, value }] : value;
}

/** The metrics of plugins. One that throws is left out, and the others are shown. */
export function familiesOf(
  sources: ReadonlyMap<string, Contribution<MetricSource>>,
  failed: (name: string, error: unknown) => void,
): Family[] {
  return [...sources.values()].flatMap(({ value: source }) => {
    const { name, help, type } = source;
    try {
      const samples: Sample[] = [];
      for (const { labels = {}, value } of source.collect()) if (samples.push({ labels, value }) === mostSeries) break;
      return [{ name, help, type, samples }];
    } catch (error) {
      failed(name, error);
      return [];
    }
  });
}
