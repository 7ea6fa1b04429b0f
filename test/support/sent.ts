/** What a provider would be sent, for tests of one provider's own words. */
import { type DescMessage, fromJson } from "@bufbuild/protobuf";
import { Body } from "../../src/core/body.ts";
import { type Adjusted, type Arrival, Call, type Operation } from "../../src/core/call.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Provider } from "../../src/core/provider.ts";
import { callOf, planOf, targetOf } from "./plan.ts";
import { TOOLS } from "./provider-contract.ts";
import { wires } from "./sink.ts";

/** One question; `json` is in the common shape. */
export interface Asking {
  /** Default `chat`. */
  readonly op?: Operation;
  readonly model: string;
  readonly json: JsonObject;
  readonly stream?: boolean;
  /** Who asks: a caller of MLflow 2.9 and later, of 2.5-2.8, MLflow's own client of 2.22, Anthropic's, or (default) OpenAI's. */
  readonly by?: "modern" | "legacy" | "2.22" | "anthropic";
}

/** The request, with its body parsed, and what the caller is told of it. `adjusted` has no empty lists. */
export interface Sent {
  readonly origin: string | undefined;
  readonly path: string;
  readonly headers: readonly string[];
  readonly json: JsonObject;
  readonly adjusted: Partial<Adjusted>;
}

/** What the provider with these settings, JSON of its own message, sends. Throws what it refuses with. */
export async function sentBy(provider: Provider<never>, settings: JsonObject, asking: Asking): Promise<Sent> {
  const { op = "chat", model, json, stream = false, by } = asking;
  const message = fromJson(provider.settings as DescMessage, settings as never);
  const upstream = provider.open(message as never, TOOLS);
  const target = { ...targetOf(wires().exchange, 0, upstream), model };
  const plan = planOf([target], { op });
  const mlflow: Partial<Arrival> = { dialect: "mlflow", legacy: by === "legacy", ...(by === "2.22" && { era: by }) };
  const face: Partial<Arrival> = by === undefined ? {} : by === "anthropic" ? { dialect: by } : mlflow;
  const body = Body.ofBytes(Buffer.from(JSON.stringify({ ...json, ...(stream && { stream }) })));
  const call = new Call(callOf(plan, stream, face).arrival, plan, body, stream);
  call.target = target;
  const { path, headers, body: bytes } = await upstream.encode(call, call.body, model);
  const adjusted = Object.entries(call.adjusted ?? {}).filter(([, paths]) => (paths as string[]).length > 0);
  return {
    origin: upstream.origin,
    path,
    headers,
    json: JSON.parse(bytes.toString("utf8")) as JsonObject,
    adjusted: Object.fromEntries(adjusted),
  };
}
