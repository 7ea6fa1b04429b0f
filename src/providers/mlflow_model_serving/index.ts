import {
  type MlflowModelServingSettings,
  MlflowModelServingSettingsSchema,
} from "../../../gen/providers/mlflow_model_serving/v1/settings_pb.js";
import { errors } from "../../core/errors.ts";
import type { ModelEntry, Provider, Reading, SettingsProblem, Upstream } from "../../core/provider.ts";
import { isRegistered } from "../../core/registered.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { compatibleBody, type Differences } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { nearlyOpenAI } from "../../dialects/openai/nearly.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { batching } from "../../dialects/scoring/batch.ts";
import { scoringRequest } from "../../dialects/scoring/request.ts";
import { checkInput, readSignature } from "../../dialects/scoring/signature.ts";
import { predictions, predictionsRequest } from "./predictions.ts";

const KIND = "mlflow-model-serving";
const EXAMPLE = "http://127.0.0.1:5000";
const DIFFERS: Differences = {
  noModel: true,
  lacks: ["stream_options"],
  messageLacks: ["is_error", "reasoning_details"],
};

/**
 * A model that MLflow serves, asked at `/invocations`.
 * @see https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */
export const provider: Provider<MlflowModelServingSettings> = {
  kind: KIND,
  settings: MlflowModelServingSettingsSchema,
  registered: true,
  check,
  open(settings, tools): Upstream {
    const { served } = tools;
    const { origin, prefix } = splitBase(served?.url ?? (settings.baseUrl || settings.modelServerUrl));
    const signature = readSignature(served?.inputs);
    const path = `${prefix}/invocations`;
    const now = () => Math.floor(tools.wallNow() / 1000);
    const fault: Upstream["fault"] = (status, headers, body) => openAIFault(KIND, status, headers, body);
    const asOpenAI = settings.modelServerApi === "openai";
    const openAI = {
      chat: whole(nearlyOpenAI("chat", {}, now)),
      completions: whole(nearlyOpenAI("completions", {}, now)),
    };
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai", predictions: "scoring" },
      batches: batching,
      reads: asOpenAI ? openAI : predictions(now),
      encode(call, body, model) {
        if (call.plan.op === "predictions") {
          if (signature) checkInput(signature, body, call.firstRow);
          return scoringRequest(path, body);
        }
        if (call.stream)
          throw errors.operationUnsupported("A model that MLflow serves answers whole and does not stream.");
        const bytes = asOpenAI
          ? compatibleBody(call, body, model, DIFFERS)
          : Buffer.from(JSON.stringify(predictionsRequest(call, body.json)));
        return { path, headers: JSON_REQUEST, body: bytes };
      },
      usage: openAIUsage,
      fault,
    };
  },
};

/** MLflow's server never streams: it answers whole where a stream is asked for. */
function whole(reading: Reading): Reading {
  return { reply: (call, json) => reading.reply(call, json) };
}

function check(
  { modelServerUrl, baseUrl, modelServerApi }: MlflowModelServingSettings,
  { name }: ModelEntry,
): readonly SettingsProblem[] {
  const problems = accessProblems({}, { model_server_url: modelServerUrl, base_url: baseUrl }, EXAMPLE);
  if (isRegistered(name)) {
    const path = baseUrl === "" ? "model_server_url" : "base_url";
    const message = "cannot stand beside a name of the registry, which says where the model is; remove it";
    if (modelServerUrl !== "" || baseUrl !== "") problems.push({ path, message });
  } else if (modelServerUrl === "" && baseUrl === "") {
    problems.push({ path: "model_server_url", message: `is needed; set the server's address, such as ${EXAMPLE}` });
  }
  if (!["", "predictions", "openai"].includes(modelServerApi)) {
    problems.push({ path: "model_server_api", message: "is not known; set predictions or openai" });
  }
  return problems;
}
