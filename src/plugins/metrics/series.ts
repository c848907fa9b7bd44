import { Distribution } from "#weftline";

/** A value with its labels, as it is shown. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where that is not the metric's own, as of a bucket. */
  readonly metricName?: string;
}

type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** Numbers that only rise, by labels. */
export class Counts<Label extends string> {
  readonly #series = new Map<string, { readonly labels: Labels<Label>; value: number }>();

  add(labels: Labels<Label>, by = 1): void {
    const key = Object.values(labels).join("\0");
    const series = this.#series.get(key);
    if (series) series.value += by;
    else this.#series.set(key, { labels, value: by });
  }

  samples(): Sample[] {
    return [...this.#series.values()].map(({ labels, value }) => ({ labels, value }));
  }
}

/** Distributions, by labels. */
export class Histograms<Label extends string> {
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly labels: Labels<Label>; readonly values: Distribution }>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  take(labels: Labels<Label>, value: number): void {
    const key = Object.values(labels).join("\0");
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = { labels, values: new Distribution(this.#bounds) }));
    series.values.take(value);
  }

  samples(name: string): Sample[] {
    return [...this.#series.values()].flatMap(({ labels, values }) => bucketsOf(name, values, labels));
  }
}

/** A distribution as Prometheus reads it. */
export function bucketsOf(name: string, values: Distribution, labels: Readonly<Record<string, string>> = {}): Sample[] {
  const counts = values.cumulative();
  return [
    ...values.bounds.map((bound, index) => ({
      labels: { ...labels, le: String(bound) },
      value: counts[index] ?? 0,
      metricName: `${name}_bucket`,
    })),
    { labels: { ...labels, le: "+Inf" }, value: values.count, metricName: `${name}_bucket` },
    { labels, value: values.sum, metricName: `${name}_sum` },
    { labels, value: values.count, metricName: `${name}_count` },
  ];
}
