import { type BedrockSettings, BedrockSettingsSchema } from "../../../gen/providers/bedrock/v1/settings_pb.js";
import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider, Tools, Upstream } from "../../core/provider.ts";
import { converseRequest } from "../../dialects/converse/request-out.ts";
import { chatOf } from "../../dialects/openai/as-chat.ts";
import { splitBase } from "../../dialects/openai/base.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { authorizerOf } from "./authorize.ts";
import { embedRequest } from "./embeddings.ts";
import { EVENT_STREAM } from "./event-stream.ts";
import { bedrockFault, type FaultParts } from "./fault.ts";
import { modelPath, plainModel } from "./model.ts";
import { mlflowRequest } from "./old-mlflow.ts";
import { oldModelsOf, oldRequest } from "./old-models.ts";
import { readingsOf } from "./read.ts";
import { accountOf, check } from "./settings.ts";

/**
 * Amazon Bedrock: chats by Converse, completions of models that do not chat by their own words, embeddings of Titan, Nova and
 * Cohere. Requests are signed by Signature Version 4, or carry a bearer token.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
 */
export const provider: Provider<BedrockSettings> = {
  kind: "bedrock",
  settings: BedrockSettingsSchema,
  check,
  open(settings, tools: Tools): Upstream {
    const account = accountOf(settings, tools);
    const { origin, prefix } = splitBase(account.base.href);
    const authorizer = authorizerOf(account, tools);
    const parts: FaultParts = { tools, secrets: authorizer.secrets, refused: () => authorizer.refused() };
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      reads: readingsOf(parts),
      encode(call, body, model) {
        const { action, json } = requestOf(call, body.json, model);
        return authorizer.authorize(
          modelPath(prefix, model, action),
          call.stream ? STREAMED : WHOLE,
          Buffer.from(JSON.stringify(json)),
        );
      },
      usage: openAIUsage,
      fault: (status, headers, body) => bedrockFault(parts, status, headers, body),
    };
  },
};

const WHOLE = [
  ["content-type", "application/json"],
  ["accept", "application/json"],
] as const;
const STREAMED = [
  ["content-type", "application/json"],
  ["accept", EVENT_STREAM],
] as const;

/** What is asked of a model, and how that is called in its path. */
interface Asked {
  readonly action: string;
  readonly json: JsonObject;
}

function requestOf(call: Call, json: Readonly<JsonObject>, model: string): Asked {
  const { op } = call.plan;
  const id = plainModel(model);
  if (op === "embeddings") return { action: "invoke", json: embedRequest(call, id, json) };
  const old = op === "completions" ? oldModelsOf(id) : undefined;
  if (old === undefined) {
    const chat = op === "completions" ? chatOf(json) : json;
    return { action: call.stream ? "converse-stream" : "converse", json: converseRequest(call, model, id, chat) };
  }
  if (call.stream && old.event === undefined) {
    throw errors.operationUnsupported(
      `The model ${JSON.stringify(model)} of bedrock does not stream; ask without stream.`,
    );
  }
  // MLflow's own clients of 2.x are answered from the very request that MLflow sent.
  const asked = call.arrival.era === undefined ? oldRequest(call, old, json) : mlflowRequest(call, id, json);
  return { action: call.stream ? "invoke-with-response-stream" : "invoke", json: asked };
}
