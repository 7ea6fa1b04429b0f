import { Counter, Histogram, type Registry } from "prom-client";

/** Most series of one metric; what comes later is counted as `other`. */
export const MAX_SERIES = 2000;

type Labels = Record<string, string>;
type CounterValues = Awaited<ReturnType<Counter["get"]>>;

/** A name, a sentence, and the names of the labels. */
export interface Naming {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** One series of a counter. Kept by who counts, so that counting is an addition. */
export interface Count {
  value: number;
}

/**
 * A counter whose series are looked up once and then added to: prom-client hashes all labels on every `inc`, which costs more
 * than the rest of the accounting of a call.
 */
export class Tally extends Counter<string> {
  private readonly rows: Rows<Count & { labels: Labels }>;

  constructor({ name, help, labels }: Naming, registry: Registry, max = MAX_SERIES) {
    super({ name, help, labelNames: labels, registers: [registry] });
    this.rows = new Rows(labels, max, (own) => ({ labels: own, value: 0 }));
    // A counter without labels has its one series from the start.
    if (labels.length === 0) this.row([]);
  }

  /** The series of these label values, which are in the order of the names. */
  row(values: readonly string[]): Count {
    return this.rows.of(values);
  }

  override async get(): Promise<CounterValues> {
    return { ...(await super.get()), values: this.rows.all() };
  }
}

/** One series of a histogram. */
export class Spread {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  /** Per bound, not cumulative. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let i = 0; i < this.bounds.length; i++) {
      if (value <= this.bounds[i]!) {
        this.counts[i]!++;
        return;
      }
    }
  }
}

/** A histogram whose series are looked up once, as those of `Tally`. */
export class Spreads extends Histogram<string> {
  private readonly naming: Naming;
  private readonly rows: Rows<Spread>;

  constructor(naming: Naming, bounds: readonly number[], registry: Registry, max = MAX_SERIES) {
    const { name, help, labels } = naming;
    super({ name, help, labelNames: labels, buckets: [...bounds], registers: [registry] });
    this.naming = naming;
    this.rows = new Rows(labels, max, (own) => new Spread(own, bounds));
  }

  row(values: readonly string[]): Spread {
    return this.rows.of(values);
  }

  /** What prom-client makes the page of, and its own `get`. */
  async getForPromString(): Promise<object> {
    const values: object[] = [];
    for (const { labels, bounds, counts, sum, count } of this.rows.all()) {
      const add = (suffix: string, value: number, own: Labels = {}) =>
        values.push({ metricName: `${this.naming.name}_${suffix}`, labels: own, sharedLabels: labels, value });
      let below = 0;
      for (let i = 0; i < bounds.length; i++) {
        below += counts[i]!;
        add("bucket", below, { le: String(bounds[i]) });
      }
      add("bucket", count, { le: "+Inf" });
      add("sum", sum);
      add("count", count);
    }
    const { name, help } = this.naming;
    return { name, help, type: "histogram", aggregator: "sum", values };
  }
}

/** The series of one metric by their label values, no more than `max` and one for the rest. */
class Rows<Row> {
  private readonly names: readonly string[];
  private readonly max: number;
  private readonly make: (labels: Labels) => Row;
  private readonly rows = new Map<string, Row>();

  constructor(names: readonly string[], max: number, make: (labels: Labels) => Row) {
    this.names = names;
    this.max = max;
    this.make = make;
  }

  of(values: readonly string[]): Row {
    const key = values.join("\0");
    let row = this.rows.get(key);
    if (row !== undefined) return row;
    if (this.rows.size >= this.max && values.some((value) => value !== OTHER)) {
      return this.of(this.names.map(() => OTHER));
    }
    row = this.make(Object.fromEntries(this.names.map((name, i) => [name, values[i]!])));
    this.rows.set(key, row);
    return row;
  }

  all(): Row[] {
    return [...this.rows.values()];
  }
}

const OTHER = "other";
