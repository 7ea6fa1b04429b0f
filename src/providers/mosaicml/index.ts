import { type MosaicMLSettings, MosaicMLSettingsSchema } from "../../../gen/providers/mosaicml/v1/settings_pb.js";
import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Provider, Upstream } from "../../core/provider.ts";
import { completionOf, onePrompt } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { chatReply, embeddingsReply, present, untoldEnd } from "../../dialects/openai/make.ts";
import { textsOf } from "../../dialects/openai/media.ts";
import { Taken } from "../../dialects/openai/take.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { llamaPrompt } from "./prompt.ts";

const BASE = "https://models.hosted-on.mosaicml.hosting";

/**
 * MosaicML's inference of old: completions, chats by Llama 2's prompt, embeddings. Nothing is streamed, and nobody counts tokens.
 * @see https://docs.mosaicml.com/en/latest/inference.html
 */
export const provider: Provider<MosaicMLSettings> = {
  kind: "mosaicml",
  settings: MosaicMLSettingsSchema,
  check({ mosaicmlApiKey, mosaicmlApiBase, baseUrl }, { name, routeType }) {
    const bases = { mosaicml_api_base: mosaicmlApiBase, base_url: baseUrl };
    const problems = accessProblems({ mosaicml_api_key: mosaicmlApiKey }, bases, BASE);
    if (routeType !== "llm/v1/chat" || name.startsWith("llama2")) return problems;
    const message = `the model ${JSON.stringify(name)} does not chat here; take one whose name begins with llama2`;
    return [...problems, { path: "", message }];
  },
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || settings.mosaicmlApiBase || BASE);
    const headers = [...JSON_REQUEST, "authorization", settings.mosaicmlApiKey];
    const chat = (call: Call, json: Readonly<JsonObject>) => {
      const head = { id: null, created: Math.floor(tools.wallNow() / 1000), model: call.target?.model ?? "" };
      const choices = outputs(json).map((text, index) => {
        if (typeof text !== "string") throw errors.upstreamFailed("The provider's outputs are not texts.");
        return { index, message: { role: "assistant", content: text }, finish_reason: untoldEnd(call) };
      });
      return chatReply(head, choices, undefined);
    };
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      reads: {
        chat: { reply: chat },
        completions: { reply: (call, json) => completionOf(chat(call, json)) },
        embeddings: { reply: (call, json) => embeddingsReply(call.target?.model ?? "", outputs(json), undefined) },
      },
      encode(call, { json }, model) {
        if (call.stream) throw errors.operationUnsupported("The models of mosaicml answer whole and do not stream.");
        const path = `${prefix}/${encodeURIComponent(model)}/v1/predict`;
        return { path, headers, body: Buffer.from(JSON.stringify(requestOf(call, json))) };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) =>
        openAIFault("mosaicml", status, replyHeaders, body, [settings.mosaicmlApiKey]),
    };
  },
};

function outputs({ outputs: list }: Readonly<JsonObject>): Json[] {
  if (Array.isArray(list) && list.length > 0) return list;
  throw errors.upstreamFailed("The provider's answer has no list of outputs.");
}

function requestOf(call: Call, json: Readonly<JsonObject>): JsonObject {
  const taken = new Taken(call, json);
  taken.refuseNative({ max_new_tokens: "max_tokens" }, 422);
  const { op } = call.plan;
  const { dialect, legacy = false } = call.arrival;
  if (op === "embeddings") return { inputs: textsOf(taken.take("input")), ...taken.extras() };
  const input = op === "chat" ? llamaPrompt(call, taken.take("messages")) : onePrompt(taken.take("prompt"));
  const parameters = present({
    temperature: taken.temperature(2, { modern: 1, legacy: 1 }),
    // MLflow passes the count on by its name of the time.
    ...(dialect === "mlflow" && { [legacy ? "candidate_count" : "n"]: taken.number("n") }),
    stop: taken.stop() as Json[] | undefined,
    max_new_tokens: taken.maxTokens(),
    ...(dialect !== "mlflow" && { top_p: taken.number("top_p") }),
  });
  return { inputs: [input], parameters: { ...parameters, ...taken.extras() } };
}
