import {
  type MlflowModelServingSettings,
  MlflowModelServingSettingsSchema,
} from "../../../gen/providers/mlflow_model_serving/v1/settings_pb.js";
import { errors } from "../../core/errors.ts";
import type { Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { compatibleBody, type Differences } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { conversations } from "./openai.ts";
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
  check,
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || settings.modelServerUrl);
    const path = `${prefix}/invocations`;
    const now = () => Math.floor(tools.wallNow() / 1000);
    const fault: Upstream["fault"] = (status, headers, body) => openAIFault(KIND, status, headers, body);
    const speaks = { chat: "openai", completions: "openai", embeddings: "openai" } as const;
    if (settings.modelServerApi === "openai") {
      return {
        origin,
        speaks,
        reads: conversations(now),
        encode: (call, body, model) => ({
          path,
          headers: JSON_REQUEST,
          body: compatibleBody(call, body, model, DIFFERS),
        }),
        usage: openAIUsage,
        fault,
      };
    }
    return {
      origin,
      speaks,
      reads: predictions(now),
      encode(call, { json }) {
        if (call.stream) {
          const why = "A model that MLflow serves answers whole and does not stream; one that is asked with";
          throw errors.operationUnsupported(`${why} model_server_api: openai may.`);
        }
        return { path, headers: JSON_REQUEST, body: Buffer.from(JSON.stringify(predictionsRequest(call, json))) };
      },
      usage: openAIUsage,
      fault,
    };
  },
};

function check({ modelServerUrl, baseUrl, modelServerApi }: MlflowModelServingSettings): readonly SettingsProblem[] {
  const problems = accessProblems({}, { model_server_url: modelServerUrl, base_url: baseUrl }, EXAMPLE);
  if (modelServerUrl === "" && baseUrl === "") {
    problems.push({ path: "model_server_url", message: `is needed; set the server's address, such as ${EXAMPLE}` });
  }
  if (!["", "predictions", "openai"].includes(modelServerApi)) {
    problems.push({ path: "model_server_api", message: "is not known; set predictions or openai" });
  }
  return problems;
}
