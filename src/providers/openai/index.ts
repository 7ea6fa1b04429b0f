import { type OpenAISettings, OpenAISettingsSchema } from "../../../gen/providers/openai/v1/settings_pb.js";
import { Body } from "../../core/body.ts";
import type { Generation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ModelEntry, Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { chatOf } from "../../dialects/openai/as-chat.ts";
import { isHeaderText, isHttpBase } from "../../dialects/openai/base.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { withoutForeign } from "../../dialects/openai/foreign.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";

const DEFAULT_BASE = "https://api.openai.com/v1";
const PATHS: Record<Generation, string> = {
  chat: "/chat/completions",
  completions: "/completions",
  embeddings: "/embeddings",
};

/**
 * OpenAI, Azure OpenAI, and any server that speaks OpenAI's API.
 * @see https://platform.openai.com/docs/api-reference
 * @see https://learn.microsoft.com/azure/ai-services/openai/reference
 */
export const provider: Provider<OpenAISettings> = {
  kind: "openai",
  settings: OpenAISettingsSchema,
  check,
  open(settings): Upstream {
    const azure = isAzure(settings);
    const secrets = [settings.openaiApiKey];
    const base = new URL(baseOf(settings));
    const prefix = base.pathname.replace(/\/+$/, "") + (azure ? `/openai/deployments/${deploymentOf(settings)}` : "");
    const version = settings.openaiApiVersion;
    const query = version === "" ? "" : `?api-version=${encodeURIComponent(version)}`;
    const headers = headersOf(settings);
    return {
      origin: base.origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      encode(call, body, model) {
        // Azure's model is in the path; a route's name must not stand in the body, but nothing has to.
        if (!azure || body.peek("model") !== undefined) body.set("model", model);
        const { legacy, era } = call.arrival;
        const asked = withoutForeign(call, body);
        // MLflow 2.5-2.8 has completions made by chat models; its end of the call reads their answers.
        const chats = legacy === true && call.plan.op === "completions";
        const sent = chats ? Body.ofJson(chatAsked(asked.json)) : asked;
        // And it said only that there is a version, to all but Azure.
        const asks = era === "2.8" && !azure && query !== "" ? "?api-version=True" : query;
        return {
          path: prefix + PATHS[chats ? "chat" : (call.plan.op as Generation)] + asks,
          headers,
          body: sent.bytes,
        };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) => openAIFault("openai", status, replyHeaders, body, secrets),
    };
  },
};

function headersOf(settings: OpenAISettings): readonly string[] {
  const headers = ["content-type", "application/json", "accept-encoding", "identity"];
  if (typeOf(settings) === "azure") headers.push("api-key", settings.openaiApiKey);
  else headers.push("authorization", `Bearer ${settings.openaiApiKey}`);
  if (settings.openaiOrganization !== "") headers.push("openai-organization", settings.openaiOrganization);
  return headers;
}

function check(settings: OpenAISettings, model: ModelEntry): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const say = (path: string, message: string) => problems.push({ path, message });
  if (!["", "openai", "azure", "azuread"].includes(typeOf(settings))) {
    say("openai_api_type", "is not known; set openai, azure or azuread");
  } else if (isAzure(settings)) {
    if (baseOf(settings) === DEFAULT_BASE) say("openai_api_base", "is needed for Azure; set the resource's endpoint");
    if (settings.openaiDeploymentName === "") say("openai_deployment_name", "is needed for Azure; set the deployment");
    if (settings.openaiApiVersion === "") say("openai_api_version", "is needed for Azure; set one such as 2024-10-21");
    if (settings.openaiOrganization !== "") say("openai_organization", "is not used with Azure; remove it");
  } else if (settings.openaiDeploymentName !== "") {
    say("openai_deployment_name", "is for Azure only; set openai_api_type to azure, or remove it");
  }
  if (!isAzure(settings) && model.name === "") {
    const message = "the model has no name, without which OpenAI refuses a call; add name beside provider";
    problems.push({ path: "", message, warning: true });
  }
  if (!isHeaderText(settings.openaiApiKey)) {
    say("openai_api_key", "has a character that no HTTP header can carry; check that the key was copied whole");
  }
  if (!isHeaderText(settings.openaiOrganization))
    say("openai_organization", "has a character that no HTTP header can carry");
  for (const key of ["base_url", "openai_api_base"] as const) {
    const text = key === "base_url" ? settings.baseUrl : settings.openaiApiBase;
    if (text !== "" && !isHttpBase(text))
      say(key, "must be an http or https address such as https://api.openai.com/v1");
  }
  return problems;
}

function isAzure(settings: OpenAISettings): boolean {
  return typeOf(settings).startsWith("azure");
}

/** MLflow reads the type in any case. */
function typeOf(settings: OpenAISettings): string {
  return settings.openaiApiType.toLowerCase();
}

function baseOf(settings: OpenAISettings): string {
  return settings.baseUrl || settings.openaiApiBase || DEFAULT_BASE;
}

function deploymentOf(settings: OpenAISettings): string {
  return encodeURIComponent(settings.openaiDeploymentName);
}

/** The prompt is what is asked, whatever messages stand beside it. */
function chatAsked({ messages: _, ...json }: Readonly<JsonObject>): JsonObject {
  return chatOf(json);
}
