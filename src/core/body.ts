import { isUtf8 } from "node:buffer";
import { errors, type GatewayError } from "./errors.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { firstBadByte, mistakeWords } from "./mistake.ts";
import { bytesText, joinParts, type Part } from "./parts.ts";
import { isLong, type Survey, survey } from "./survey.ts";
import { isPlainTalk, PLAIN_MESSAGE } from "./talk.ts";

/** Up to this size texts are cut and joined as strings, which is faster than many small buffers, and `brief` is known. */
const SMALL_BYTES = 8 * 1024;

/** Deepest nesting of a request body; the outermost object is 1. Tool schemas of real agents stay under 30. */
export const MAX_JSON_DEPTH = 64;

/**
 * One JSON object: bytes until somebody reads it. A member can be read and replaced without parsing the rest, so what
 * nobody reads reaches the upstream byte for byte.
 */
export class Body {
  private raw: Buffer | undefined;
  /** Whether it is CSV and no JSON; then there is nothing to be read but `bytes`. */
  csv = false;
  private parsed: JsonObject | undefined;
  private found: Survey | undefined;
  private asCame = false;
  private own = false;
  /** Members that were not put together yet; then there is neither `raw` nor `parsed`. */
  private parts: Part[] | undefined = undefined;
  /** `raw` with a letter for each byte, while it is that. */
  private text: string | undefined = undefined;
  private short: Readonly<JsonObject> | null | undefined = undefined;
  private talk = false;

  private constructor(raw: Buffer | undefined, parsed: JsonObject | undefined) {
    this.raw = raw;
    this.parsed = parsed;
    this.found = undefined;
  }
  /** Of a caller. A byte order mark, which some systems put before a file's text, is not part of it. */
  static ofBytes(bytes: Buffer): Body {
    const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    return new Body(marked ? bytes.subarray(3) : bytes, undefined);
  }
  /** Of a provider: sent on as it came, whatever it is; nobody routes on it. */
  static ofReply(bytes: Buffer): Body {
    const body = new Body(bytes, undefined);
    body.asCame = true;
    return body;
  }
  /**
   * Of members whose values are JSON text; none twice. They are put together when somebody needs the whole, once.
   *
   * @param isTalk As `isTalk` says of it.
   */
  static ofMembers(members: readonly Part[], isTalk = false): Body {
    const body = new Body(undefined, undefined);
    body.parts = [...members];
    body.talk = isTalk;
    return body;
  }
  /** Of a table that a caller sent as CSV: it is sent on as it came, and has no members. */
  static ofCsv(bytes: Buffer): Body {
    const body = Body.ofReply(bytes);
    body.csv = true;
    return body;
  }
  static ofJson(json: JsonObject): Body {
    return new Body(undefined, json);
  }
  /** Of an object that is given away: `set` changes it where it stands. */
  static ofOwn(json: JsonObject): Body {
    const body = new Body(undefined, json);
    body.own = true;
    return body;
  }

  /**
   * The whole object, parsed once. Read only: change members by `set`, the whole by a new Body.
   * Throws `BODY_MALFORMED` when the bytes are not one JSON object or nest deeper than `MAX_JSON_DEPTH`.
   */
  get json(): Readonly<JsonObject> {
    if (this.parsed === undefined) {
      this.join();
      if (!this.asCame || !isShallow(this.raw!)) this.look();
      this.parsed = parse(this.raw!);
    }
    return this.parsed;
  }

  /** The value of a top-level member, or `undefined`. Parses that value alone. Throws `BODY_MALFORMED`. */
  peek(key: string): Json | undefined {
    if (this.parsed !== undefined) return own(this.parsed, key);
    const members = this.look();
    if (members === undefined) return own(this.json, key);
    for (const one of members) if (one.key === key) return this.value(one.start, one.end);
    return undefined;
  }

  /** Names of the top-level members, in order. Throws `BODY_MALFORMED`. */
  keys(): readonly string[] {
    if (this.parsed !== undefined) return Object.keys(this.parsed);
    return this.look()?.map((one) => one.key) ?? Object.keys(this.json);
  }

  /**
   * The object with one plain message in place of `messages`, where those are plain: nobody need parse them to know that they
   * break no rule. It costs half of what `json` does. `undefined`: it is not such an object of up to 8 KiB, or not known to be.
   * Throws `BODY_MALFORMED`.
   */
  get brief(): Readonly<JsonObject> | undefined {
    if (this.short === undefined) this.short = this.shorten() ?? null;
    return this.short ?? undefined;
  }

  /** Whether `messages` are known to be plain, as `isPlainTalk` says. */
  get isTalk(): boolean {
    return this.talk || this.brief !== undefined;
  }

  /** Bytes of the whole as sent; 0: it is known parsed only. */
  get size(): number {
    this.join();
    return this.raw?.length ?? 0;
  }

  /** Bytes of a top-level member's value as sent; `undefined`: none, or the object is known parsed only. */
  slice(key: string): Buffer | undefined {
    this.join();
    if (this.raw === undefined) return undefined;
    const one = this.look()?.find((member) => member.key === key);
    return one && this.raw.subarray(one.start, one.end);
  }

  /** As `slice`; a short text with a letter for each byte. */
  cut(key: string): Buffer | string | undefined {
    this.join();
    const { raw } = this;
    if (raw === undefined) return undefined;
    if (raw.length > SMALL_BYTES) return this.slice(key);
    const one = this.look()?.find((member) => member.key === key);
    this.text ??= raw.toString("latin1");
    return one && this.text.slice(one.start, one.end);
  }

  /** Puts one top-level member in place; `undefined` is not allowed. The rest stays as sent. */
  set(key: string, to: Json): void {
    if (key === "messages") this.talk = false;
    // What is no talk does not become one by another member.
    if (this.short !== null || key === "messages") this.short = undefined;
    if (this.own) {
      this.parsed![key] = to;
      this.forget();
      return;
    }
    if (this.parts !== undefined) {
      const at = this.parts.findIndex(([name]) => name === key);
      if (at < 0) this.parts.unshift([key, bytesText(to)]);
      else this.parts[at] = [key, bytesText(to)];
      return;
    }
    const members = this.raw === undefined ? undefined : this.look();
    if (this.raw !== undefined && members !== undefined) {
      const text = Buffer.from(JSON.stringify(to));
      const one = members.find((member) => member.key === key);
      if (one) this.splice(one.start, one.end, text);
      else {
        const head = `${JSON.stringify(key)}:`;
        const put = Buffer.concat([Buffer.from(head), text, members.length > 0 ? COMMA : NOTHING]);
        this.splice(this.found!.inside, this.found!.inside, put);
        const start = this.found!.inside + Buffer.byteLength(head);
        members.unshift({ key, start, end: start + text.length });
      }
      if (this.parsed !== undefined) this.parsed = { ...this.parsed, [key]: to };
      return;
    }
    this.parsed = { ...this.json, [key]: to };
    this.forget();
  }

  private forget(): void {
    this.raw = undefined;
    this.text = undefined;
    this.found = undefined;
  }

  /** The bytes to send. As they came, unless the object had to be parsed and changed. */
  get bytes(): Buffer {
    this.join();
    if (this.raw === undefined) this.raw = Buffer.from(JSON.stringify(this.parsed));
    // Unsure bytes are sent as we read them, so that a repeated key cannot mean one thing here and another there.
    else if (!this.asCame && this.look() === undefined) {
      const { json } = this;
      this.forget();
      this.raw = Buffer.from(JSON.stringify(json));
    }
    return this.raw;
  }

  private join(): void {
    const { parts } = this;
    if (parts === undefined) return;
    this.parts = undefined;
    const { raw, members } = joinParts(parts);
    this.raw = raw;
    this.found = { members, inside: 1, tooDeep: false };
  }

  private shorten(): Readonly<JsonObject> | undefined {
    const members = this.parsed === undefined ? this.look() : undefined;
    if (members === undefined || this.raw!.length > SMALL_BYTES) return undefined;
    const talk = members.find((one) => one.key === "messages");
    this.text ??= this.raw!.toString("latin1");
    if (talk === undefined || !isPlainTalk(this.text, talk.start, talk.end)) return undefined;
    const json: JsonObject = {};
    for (const { key, start, end } of members) {
      // Within others something may stand that no JSON has, or that means something to JavaScript.
      if (!PLAIN_KEY.test(key)) return undefined;
      json[key] = key === "messages" ? [PLAIN_MESSAGE] : this.value(start, end);
    }
    this.talk = true;
    return json;
  }

  private look(): Survey["members"] {
    this.join();
    if (this.raw === undefined) return undefined;
    if (this.found === undefined) {
      // Under 1 us at 32 KB. What is no text would reach a provider as we never read it.
      if (!this.asCame && !isUtf8(this.raw))
        throw errors.bodyMalformed(`The body is not UTF-8: byte ${firstBadByte(this.raw)} is no part of a character.`);
      if (this.raw.length <= SMALL_BYTES) this.text ??= this.raw.toString("latin1");
      this.found = survey(this.raw, MAX_JSON_DEPTH, this.text);
    }
    if (this.found.tooDeep) throw errors.bodyMalformed(`The JSON is nested deeper than ${MAX_JSON_DEPTH} levels.`);
    return this.found.members;
  }

  private value(start: number, end: number): Json {
    try {
      // A number and the like is ASCII, or no JSON.
      const isScalar = this.text !== undefined && !isLong(this.raw![start]);
      return JSON.parse(isScalar ? this.text!.slice(start, end) : this.raw!.toString("utf8", start, end)) as Json;
    } catch (cause) {
      throw notJson(this.raw!, cause);
    }
  }

  private splice(start: number, end: number, put: Buffer): void {
    const raw = this.raw!;
    const out = Buffer.allocUnsafe(raw.length - (end - start) + put.length);
    raw.copy(out, 0, 0, start);
    put.copy(out, start);
    raw.copy(out, start + put.length, end);
    const by = put.length - (end - start);
    for (const one of this.found!.members!) {
      if (one.start >= end) one.start += by;
      if (one.end >= end) one.end += by;
    }
    this.raw = out;
    this.text = undefined;
  }
}

const PLAIN_KEY = /^[a-z]\w*$/;

/** Fewer brackets than there may be levels: most replies need not be walked through for their depth. */
function isShallow(bytes: Buffer): boolean {
  let left = MAX_JSON_DEPTH;
  for (const open of BRACKETS) {
    for (let at = bytes.indexOf(open); at >= 0; at = bytes.indexOf(open, at + 1)) if (--left < 0) return false;
  }
  return true;
}

/** Of an object and of a list. */
const BRACKETS = [0x7b, 0x5b];

const COMMA = Buffer.from(",");
const NOTHING = Buffer.alloc(0);

function parse(bytes: Buffer): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw notJson(bytes, cause);
  }
  if (!isObject(json)) throw errors.bodyMalformed("The body must be one JSON object.");
  return json;
}

function notJson(bytes: Buffer, cause: unknown): GatewayError {
  return errors.bodyMalformed(`The body is not valid JSON: ${mistakeWords(bytes)}.`, cause);
}

function own(json: Readonly<JsonObject>, key: string): Json | undefined {
  return Object.hasOwn(json, key) ? json[key] : undefined;
}
