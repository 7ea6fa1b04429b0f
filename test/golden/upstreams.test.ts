/** What MLflow's own adapters sent to providers for its callers, and what is sent here: the same, word for word. */
import { readFileSync } from "node:fs";
import { type DescMessage, fromJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Call, type Operation } from "../../src/core/call.ts";
import { asGatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Upstream } from "../../src/core/provider.ts";
import { readBody } from "../../src/dialects/mlflow/body.ts";
import { mlflowError, mlflowStatus } from "../../src/dialects/mlflow/fault.ts";
import { toCommon } from "../../src/dialects/mlflow/request.ts";
import { loadProvider } from "../../src/registry.ts";
import { callOf, planOf, targetOf } from "../support/plan.ts";
import { TOOLS } from "../support/provider-contract.ts";
import { wires } from "../support/sink.ts";

/** One line of the fixture. */
interface Recorded {
  readonly name: string;
  readonly mlflow: "2.8.1" | "2.22.5";
  readonly provider: string;
  readonly op: Operation;
  readonly model: string;
  /** What the caller sent. */
  readonly send: JsonObject;
  /** What MLflow sent on; absent: it refused. */
  readonly path?: string;
  readonly body?: JsonObject;
  readonly refusal?: string;
  readonly status?: number;
}

const RECORDED = JSON.parse(
  readFileSync(new URL("fixtures/mlflow-upstreams.json", import.meta.url), "utf8"),
) as readonly Recorded[];

/** Settings under which a provider stands where MLflow's adapter looks for it. */
const SETTINGS: Readonly<Record<string, JsonObject>> = {
  cohere: { cohere_api_key: "key" },
  ai21labs: { ai21labs_api_key: "key" },
  mosaicml: { mosaicml_api_key: "key" },
  mistral: { mistral_api_key: "key" },
  togetherai: { togetherai_api_key: "key" },
  "huggingface-text-generation-inference": { hf_server_url: "http://127.0.0.1:9100/tgi" },
  "mlflow-model-serving": { model_server_url: "http://127.0.0.1:9100/served" },
};

const upstreams = new Map<string, Upstream>();
for (const [kind, settings] of Object.entries(SETTINGS)) {
  const provider = (await loadProvider(kind))!;
  upstreams.set(kind, provider.open(fromJson(provider.settings as DescMessage, settings as never), TOOLS));
}

async function sent({ op, mlflow, model, provider, send }: Recorded) {
  const headers = { "content-type": "application/json", "user-agent": `mlflow-python-client/${mlflow}` };
  const upstream = upstreams.get(provider)!;
  const plan = planOf([{ ...targetOf(wires().exchange, 0, upstream), model }], { op });
  try {
    const { body, speech } = readBody(op, headers, Buffer.from(JSON.stringify(send)));
    const asked = toCommon(op, body, speech);
    const { arrival } = callOf(plan, false, { dialect: "mlflow", legacy: speech.format === "legacy" });
    const call = new Call(arrival, plan, asked.body, asked.stream);
    const { path, body: bytes } = await upstream.encode(call, call.body, model);
    return { path, body: JSON.parse(bytes.toString("utf8")) as JsonObject };
  } catch (thrown) {
    const error = asGatewayError(thrown);
    return { status: mlflowStatus(error), refusal: (JSON.parse(mlflowError(error)) as { detail: string }).detail };
  }
}

describe.each([...upstreams.keys()])("for callers of MLflow, %s", (kind) => {
  const cases = RECORDED.filter(({ provider }) => provider === kind);

  it("is there in the recording", () => expect(cases.length).toBeGreaterThan(10));

  it.each(cases)("gets what MLflow $mlflow sent: $name", async (recorded) => {
    const { path, body, refusal, status } = recorded;
    expect(await sent(recorded)).toEqual(refusal === undefined ? { path, body } : { status, refusal });
  });
});
