import type { Call } from "../../core/call.ts";
import { errors, GatewayError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { ANTHROPIC_ONLY, asks, GEMINI_ONLY, MEMBERS, OPENAI_ONLY } from "./members.ts";

/**
 * The members of a request in the common shape, taken one by one by who says them in a provider's words. `rest` then knows what
 * nobody took, so that no member can be forgotten: of the common shape's own it tells the caller, and a provider's own it gives.
 */
export class Taken {
  private readonly call: Call;
  private readonly json: Readonly<JsonObject>;
  private readonly taken = new Set(["model", "stream", "stream_options"]);

  /** @param json The body, or what was made of it; by default the call's body. */
  constructor(call: Call, json: Readonly<JsonObject> = call.body.json) {
    this.call = call;
    this.json = json;
    // MLflow 2.5-2.8 knows no streams: the word is a stranger to it, and goes on to the provider.
    if (call.arrival.legacy && !call.stream) this.taken.delete("stream");
  }

  /** A member's value, and that it is sent; `undefined` also for null. */
  take(name: string): Json | undefined {
    // Most of what is asked for is not there.
    if (!Object.hasOwn(this.json, name)) return undefined;
    this.taken.add(name);
    return this.json[name] ?? undefined;
  }

  /** A number, likewise. Throws FIELD_INVALID when it is something else. */
  number(name: string): number | undefined {
    const value = this.take(name);
    if (value === undefined || typeof value === "number") return value;
    throw errors.fieldInvalid([{ field: name, description: "must be a number" }]);
  }

  /** The texts that end the answer: a string alone is a list of one, an empty list is none. */
  stop(): readonly string[] | undefined {
    const value = this.take("stop");
    const list = typeof value === "string" ? [value] : Array.isArray(value) ? (value as string[]) : [];
    return list.length === 0 ? undefined : list;
  }

  /** `max_completion_tokens`, else `max_tokens`. */
  maxTokens(): number | undefined {
    const older = this.number("max_tokens");
    return this.number("max_completion_tokens") ?? older;
  }

  /**
   * A number in the provider's range in place of the common shape's, linearly; told as converted when it changes.
   *
   * @param most Upper end of the provider's range, of which 0 is the lower; the common shape's is `commonMost`.
   */
  scaled(name: string, most: number, commonMost: number): number | undefined {
    const value = this.number(name);
    if (value === undefined || most === commonMost || value === 0) return value;
    this.call.adjust("converted", name);
    return (value * most) / commonMost;
  }

  /**
   * The temperature in the provider's range: linearly, or on MLflow's faces times what MLflow's adapter of the caller's time took.
   * Told as converted when it is not what the caller sent.
   *
   * @param most Upper end of the provider's range.
   * @param mlflow Factors of MLflow 2.9 and later, and of 2.5-2.8 for the caller's own 0-1; absent: as for everybody.
   */
  temperature(most: number, mlflow?: { readonly modern: number; readonly legacy: number }): number | undefined {
    const { dialect, legacy = false } = this.call.arrival;
    if (mlflow === undefined || dialect !== "mlflow") return this.scaled("temperature", most, 2);
    const value = this.number("temperature");
    const factor = legacy ? mlflow.legacy : mlflow.modern;
    if (value === undefined || value === 0) return value;
    if (factor !== 1) this.call.adjust("converted", "temperature");
    return legacy ? (value / 2) * factor : value * factor;
  }

  /**
   * On MLflow's faces, refuses the provider's own names of what MLflow has names for, as its adapters do and in their words.
   *
   * @param names The provider's names, and the common shape's.
   * @param http What MLflow answers with there.
   */
  refuseNative(names: Readonly<Record<string, string>>, http: 400 | 422): void {
    const { dialect, legacy = false } = this.call.arrival;
    if (dialect !== "mlflow") return;
    for (const [name, ours] of Object.entries(names)) {
      if ((this.json[name] ?? null) === null) continue;
      const use = legacy && ours === "n" ? "candidate_count" : ours;
      throw new GatewayError(`Invalid parameter ${name}. Use ${use} instead.`, {
        reason: "FIELD_INVALID",
        http,
        param: name,
      });
    }
  }

  /** Tells that a member is not sent, when it asks for something. */
  drop(name: string): void {
    if (asks(name, this.take(name))) this.call.adjust("dropped", name);
  }

  /**
   * What nobody took. On MLflow's faces all of it as it came, under whatever name: MLflow's adapters pass on what they do not
   * know, and callers there use the provider's own names. Elsewhere it is `rest`.
   */
  extras(): JsonObject {
    return this.call.arrival.dialect === "mlflow" ? this.untaken() : this.rest();
  }

  /** What nobody took, as it came: for servers that take whatever there is. */
  untaken(): JsonObject {
    const left = Object.entries(this.json).filter(([name, value]) => !this.taken.has(name) && value !== null);
    return Object.fromEntries(left);
  }

  /** Drops what the common shape has and nobody took; gives the strangers, which are the provider's own, as they came. */
  rest(): JsonObject {
    const strangers: JsonObject = {};
    const known = MEMBERS[this.call.plan.op];
    for (const name of Object.keys(this.json)) {
      const value = this.taken.has(name) ? undefined : this.json[name];
      if (value === null || value === undefined) continue;
      const another = OPENAI_ONLY.has(name) || GEMINI_ONLY.has(name) || ANTHROPIC_ONLY.has(name);
      if (known.has(name) || MEMBERS.chat.has(name) || another) this.drop(name);
      else strangers[name] = value;
    }
    return strangers;
  }
}
