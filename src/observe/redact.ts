import { ownText } from "../core/own-text.ts";

/** Shortest registered value that is looked for; masking shorter ones would tear up ordinary words. */
const LEAST_VALUE = 8;
/** Texts remembered once cleaned: paths and user agents, of which there are few. */
const MEMO_SIZE = 512;
const MEMO_LONGEST = 256;
/** How far beyond the wanted length a text is read, so that a secret that straddles the end is seen whole. */
const LOOK_AHEAD = 4096;

/** What secrets look like, whoever made them. `$1` is kept: it says what stood there. */
const SHAPES: readonly RegExp[] = [
  /\b((?:bearer|basic)\s+)[\w.~+/=*-]+/gi,
  /([?&;\s"'](?:api[-_]?key|key|token|access_token|secret|password|sig|signature)["']?\s*[=:]\s*["']?)[^&\s"',;}]+/gi,
  /(:\/\/)[^/\s:@]*:[^/\s@]+(?=@)/g,
  /()\b(?:sk|pk|rk|gsk|hf|xai|pplx|nvapi|dapi|r8|ghp|glpat|AKIA|ASIA|AIza)[-_]?[\w*-]{8,}/g,
  /()\beyJ[\w-]{6,}\.[\w.-]*/g,
  /()\bya29\.[\w-]{8,}/g,
];
/** Control and format characters, which can end a line, colour a terminal or turn the reading direction. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const MASK = "***";

/** Makes texts from outside fit to be logged. */
export class Redactor {
  private values: readonly string[] = [];
  private newest: ReadonlySet<string> = new Set();
  /** As JSON text. */
  private readonly quoted = new Map<string, string>();

  /**
   * The secrets of the config that comes into force; each is masked wherever it appears, also percent-encoded. Those of the
   * config before are masked still: calls may be under way on it. Values shorter than 8 characters are left out.
   */
  redactValues(values: Iterable<string>): void {
    const all = new Set<string>();
    for (const value of values) {
      if (value.length < LEAST_VALUE) continue;
      all.add(value);
      all.add(encodeURIComponent(value));
    }
    // The longest first: a value may contain another.
    this.values = [...new Set([...all, ...this.newest])].sort((a, b) => b.length - a.length);
    this.newest = all;
    this.quoted.clear();
  }

  /** At most `most` characters, secrets masked, and every character that a terminal would obey shown as `?`. */
  clean(text: string, most: number): string {
    let out = text.length > most + LOOK_AHEAD ? text.slice(0, most + LOOK_AHEAD) : text;
    for (const value of this.values) if (out.includes(value)) out = out.replaceAll(value, MASK);
    for (const shape of SHAPES) out = out.replace(shape, `$1${MASK}`);
    if (out.length > most) out = `${out.slice(0, most - 3)}...`;
    return out.replace(INVISIBLE, "?");
  }

  /** What `clean` gives, as JSON text. */
  json(text: string, most: number): string {
    return JSON.stringify(this.clean(text, most));
  }

  /** The same for a text that comes again and again; `most` must always be the same for it. */
  jsonOften(text: string, most: number): string {
    const known = this.quoted.get(text);
    if (known !== undefined) return known;
    const out = this.json(text, most);
    if (text.length <= MEMO_LONGEST) {
      if (this.quoted.size >= MEMO_SIZE) this.quoted.clear();
      this.quoted.set(ownText(text), out);
    }
    return out;
  }
}
