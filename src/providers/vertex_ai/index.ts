import { type VertexAiSettings, VertexAiSettingsSchema } from "../../../gen/providers/vertex_ai/v1/settings_pb.js";
import type { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import { errors, GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Outgoing, Provider, Reading, SettingsProblem, Upstream } from "../../core/provider.ts";
import { anthropicFault } from "../../dialects/anthropic/fault-in.ts";
import { countRequest } from "../../dialects/gemini/count.ts";
import { googleFault } from "../../dialects/gemini/google-fault.ts";
import { geminiChat } from "../../dialects/gemini/reading.ts";
import { generateContent } from "../../dialects/gemini/request-out.ts";
import { asCompletions, chatOf } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { claudeCount, claudeReading, claudeRequest } from "./claude.ts";
import { type Credential, credentialOf } from "./credentials.ts";
import { resourceOf } from "./model.ts";
import { vectorsRequest, vertexEmbeddings } from "./predict.ts";
import { tokensOf } from "./token.ts";

const DEFAULT_LOCATION = "us-central1";
/** As Google's SDK asks, which has every member there, and as Anthropic's does. */
const VERSIONS = { gemini: "/v1beta1", claude: "/v1" };

/**
 * Google's Vertex AI: Gemini by Google's dialect, Claude by Anthropic's, told apart by the model's name; and embeddings.
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude
 */
export const provider: Provider<VertexAiSettings> = {
  kind: "vertex_ai",
  settings: VertexAiSettingsSchema,
  check,
  open(settings, tools): Upstream {
    const location = settings.vertexLocation || DEFAULT_LOCATION;
    const { origin, prefix } = splitBase(settings.baseUrl || baseOf(location));
    const credential = credentialOf(settings.vertexCredentials);
    if (tools.stranger && (credential.kind === "default" || credential.kind === "other")) throw notTheirs();
    const project = projectOf(settings, credential) ?? tools.env?.("GOOGLE_CLOUD_PROJECT") ?? "";
    const root = `/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(location)}`;
    const version = (isClaude: boolean) =>
      settings.baseUrl === "" ? VERSIONS[isClaude ? "claude" : "gemini"] : prefix;
    const tokens = tokensOf(credential, tools);
    const betas = settings.vertexAnthropicBetas.join(",");
    let shown = "";
    const fault: Upstream["fault"] = (status, headers, body) => {
      if (status === 401) tokens.refused(shown);
      const secrets = [settings.vertexCredentials, shown];
      const read = isAnthropics(body) ? anthropicFault : googleFault;
      return read("vertex_ai", status, headers, body, secrets);
    };
    const chat = eitherReading(
      geminiChat(() => tools.wallNow()),
      claudeReading(fault, () => tools.wallNow()),
    );

    /** With a token, which as a rule is at hand. */
    const sent = (path: string, json: JsonObject, isClaude: boolean): Outgoing | Promise<Outgoing> => {
      const body = Buffer.from(JSON.stringify(json));
      const own = isClaude && betas !== "" ? ["anthropic-beta", betas] : [];
      const made = (token: string): Outgoing => {
        shown = token;
        const headers = [...JSON_REQUEST, "authorization", `Bearer ${token}`, ...own];
        return { path: `${version(isClaude)}${root}/${path}`, headers, body };
      };
      if (project === "") throw noProject();
      const token = tokens.get();
      return typeof token === "string" ? made(token) : token.then(made);
    };

    return {
      origin,
      speaks: { chat: "gemini", completions: "gemini", embeddings: "gemini" },
      reads: { chat, completions: asCompletions(chat), embeddings: vertexEmbeddings },
      encode(call, body, model) {
        const { publisher, name, path } = resourceOf(model);
        if (publisher === "anthropic") {
          return sent(`${path}:${call.stream ? "streamRawPredict" : "rawPredict"}`, claudeOf(call, body, name), true);
        }
        const { method, json } = geminiOf(call, body, model, name);
        return sent(`${path}:${method}`, json, false);
      },
      counts(call, body, model) {
        const { publisher, name, path } = resourceOf(model);
        if (publisher === "google") return sent(`${path}:countTokens`, countRequest(call, model, undefined), false);
        const counter = "publishers/anthropic/models/count-tokens:rawPredict";
        return sent(counter, claudeCount(call, name, body.json), true);
      },
      counted: ({ input_tokens, totalTokens }) => input_tokens ?? totalTokens,
      usage: openAIUsage,
      fault,
    };
  },
};

/** Of credentials of other kinds Google's library reads files, asks addresses and starts programs that they name. */
function notTheirs(): GatewayError {
  const description =
    "want a service account's key, or an access token: the gateway's own identity, and credentials that name files or addresses " +
    "to read a token from, are for config files";
  return errors.fieldInvalid([{ field: "vertex_credentials", description }]);
}

function noProject(): GatewayError {
  const what = "its operator must set vertex_project, or the variable GOOGLE_CLOUD_PROJECT";
  return new GatewayError(`Vertex AI needs a project; ${what}.`, { reason: "UPSTREAM_CREDENTIALS" });
}

function claudeOf(call: Call, body: Body, name: string): JsonObject {
  if (call.plan.op === "embeddings") {
    throw errors.operationUnsupported(`The model ${name} of vertex_ai chats and makes no embeddings.`);
  }
  return claudeRequest(call, name, call.plan.op === "completions" ? chatOf(body.json) : body.json);
}

function geminiOf(call: Call, body: Body, model: string, name: string) {
  if (call.plan.op === "embeddings") return vectorsRequest(call, name);
  const asked = call.plan.op === "completions" ? chatOf(body.json) : body.json;
  const method = call.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return { method, json: generateContent(call, model, asked) };
}

/** Answers are read by whose model it was. */
function eitherReading(gemini: Reading, claude: Reading): Reading {
  const of = (call: Call) => (resourceOf(call.target!.model).publisher === "anthropic" ? claude : gemini);
  return {
    reply: (call, json, headers) => of(call).reply(call, json, headers),
    stream: (call, on, headers) => of(call).stream!(call, on, headers),
  };
}

/** Claude's own errors have Anthropic's form; whatever Google refuses before has Google's. */
function isAnthropics(body: Buffer): boolean {
  return body.includes('"type"') && /^\s*\{\s*"type"\s*:\s*"error"/.test(body.toString("utf8", 0, 200));
}

/** Where a location's models answer; `us` and `eu` are several regions, `global` all. */
function baseOf(location: string): string {
  if (location === "global") return "https://aiplatform.googleapis.com";
  if (location === "us" || location === "eu") return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

function projectOf({ vertexProject }: VertexAiSettings, credential: Credential): string | undefined {
  if (vertexProject !== "") return vertexProject;
  return credential.kind === "account" ? credential.account.project : undefined;
}

function check(settings: VertexAiSettings): readonly SettingsProblem[] {
  const { vertexLocation, vertexProject, vertexAnthropicBetas, baseUrl } = settings;
  const problems = accessProblems(
    { vertex_anthropic_betas: vertexAnthropicBetas.join(",") },
    { base_url: baseUrl },
    `${baseOf(DEFAULT_LOCATION)}/v1`,
  );
  if (vertexLocation !== "" && !/^[a-z][a-z0-9-]*$/.test(vertexLocation)) {
    problems.push({
      path: "vertex_location",
      message: "is not one; set a region such as us-central1, us, eu or global",
    });
  }
  if (vertexProject !== "" && !/^[a-z0-9.:-]+$/.test(vertexProject)) {
    problems.push({ path: "vertex_project", message: "is not a project; set its id, such as my-project-123" });
  }
  try {
    credentialOf(settings.vertexCredentials);
  } catch (thrown) {
    problems.push({ path: "vertex_credentials", message: (thrown as Error).message });
  }
  return problems;
}
