/** Seconds, as the library counts that MLflow uses. https://limits.readthedocs.io/en/stable/quickstart.html#rate-limit-string-notation */
const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400, month: 30 * 86_400, year: 360 * 86_400 } as const;
const PERIOD = /^\s*(\d{1,6})?\s*(second|minute|hour|day|month|year)s?\s*$/i;

/** A period of time, as `renewal_period` writes it. */
export interface Period {
  readonly ms: number;
  /** In MLflow's words, such as `1 minute`. */
  readonly text: string;
}

/** `minute`, `5 minutes`, whatever the case; `undefined`: not one period. */
export function periodOf(written: string): Period | undefined {
  const [, digits = "1", word] = PERIOD.exec(written) ?? [];
  const count = Number(digits);
  if (word === undefined || count === 0) return undefined;
  const unit = word.toLowerCase() as keyof typeof SECONDS;
  return { ms: count * SECONDS[unit] * 1000, text: `${count} ${unit}` };
}

/** How long, for a person: whole seconds up to two minutes, then minutes, hours and days, rounded up. */
export function longWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds <= 120) return `${seconds} s`;
  if (seconds <= 7200) return `${Math.ceil(seconds / 60)} min`;
  return seconds <= 172_800 ? `${Math.ceil(seconds / 3600)} h` : `${Math.ceil(seconds / 86_400)} days`;
}
