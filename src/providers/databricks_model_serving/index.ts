import {
  type DatabricksModelServingSettings,
  DatabricksModelServingSettingsSchema,
} from "../../../gen/providers/databricks_model_serving/v1/settings_pb.js";
import { Body } from "../../core/body.ts";
import type { Outgoing, Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { compatibleBody, type Differences } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { nearlyOpenAI } from "../../dialects/openai/nearly.ts";
import { partsIn } from "../../dialects/openai/parts-in.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { batching } from "../../dialects/scoring/batch.ts";
import { scoringRequest } from "../../dialects/scoring/request.ts";
import { withThoughts } from "./messages.ts";
import { fixedToken, lentTokens } from "./tokens.ts";

const PLATFORM = ["metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user", "verbosity"];
const DIFFERS: Differences = {
  // Usage comes in every stream without being asked for.
  lacks: [
    ...PLATFORM,
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "seed",
    "parallel_tool_calls",
    "best_of",
    "stream_options",
  ],
  renames: { max_completion_tokens: "max_tokens" },
  noDeveloper: true,
  noModel: true,
  messageLacks: ["annotations", "is_error", "name", "refusal"],
};
/** Models of Anthropic's, which keep what is theirs; the endpoints that Databricks has for them are named so. */
const CLAUDE = /claude/i;
const CLAUDE_DIFFERS: Differences = { ...DIFFERS, takesAnthropic: true };
const EXAMPLE = "https://adb-1234.5.azuredatabricks.net";

/**
 * Databricks Model Serving: chats, completions and embeddings of an endpoint, which is the model.
 * @see https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference
 */
export const provider: Provider<DatabricksModelServingSettings> = {
  kind: "databricks-model-serving",
  settings: DatabricksModelServingSettingsSchema,
  check,
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(baseOf(settings));
    const fixed = tokenOf(settings);
    const tokens = fixed === "" ? lentTokens(settings, origin, prefix, tools) : fixedToken(fixed);
    /** The token that was sent last; a refusal is as a rule of this one. */
    let latest = fixed;
    const secrets = () => [latest, settings.clientSecret];
    const now = () => Math.floor(tools.wallNow() / 1000);
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai", predictions: "scoring" },
      batches: batching,
      reads: {
        chat: nearlyOpenAI("chat", { message: (said, model) => partsIn(said, "databricks", model) }, now),
        completions: nearlyOpenAI("completions", {}, now),
      },
      encode(call, body, model) {
        const path = `${prefix}/serving-endpoints/${encodeURIComponent(model)}/invocations`;
        const lent = (send: (token: string) => Outgoing) => {
          const token = tokens.get();
          const outgoing = (one: string) => {
            latest = one;
            return send(one);
          };
          return typeof token === "string" ? outgoing(token) : token.then(outgoing);
        };
        if (call.plan.op === "predictions") {
          return lent((token) => scoringRequest(path, body, ["authorization", `Bearer ${token}`]));
        }
        const messages = withThoughts(call, body.peek("messages"), model);
        const sent = messages === undefined ? body : Body.ofJson({ ...body.json, messages });
        const bytes = compatibleBody(call, sent, model, CLAUDE.test(model) ? CLAUDE_DIFFERS : DIFFERS);
        return lent((token) => ({
          path,
          headers: [...JSON_REQUEST, "authorization", `Bearer ${token}`],
          body: bytes,
        }));
      },
      usage: openAIUsage,
      fault(status, replyHeaders, body) {
        if (status === 401 || status === 403) tokens.refused(latest);
        return openAIFault("databricks-model-serving", status, replyHeaders, body, secrets());
      },
    };
  },
};

function check(settings: DatabricksModelServingSettings): readonly SettingsProblem[] {
  const { databricksWorkspaceUrl, databricksApiToken, host, token, baseUrl, clientId, clientSecret } = settings;
  const problems = accessProblems(
    { databricks_api_token: databricksApiToken, token },
    { databricks_workspace_url: databricksWorkspaceUrl, host: withScheme(host), base_url: baseUrl },
    EXAMPLE,
  );
  if (baseOf(settings) === "") {
    problems.push({
      path: "databricks_workspace_url",
      message: `is needed; set the workspace's address, such as ${EXAMPLE}`,
    });
  }
  if ((clientId === "") !== (clientSecret === "")) {
    const path = clientId === "" ? "client_id" : "client_secret";
    problems.push({ path, message: "is needed with the other one; a service principal has both" });
  } else if (tokenOf(settings) === "" && clientId === "") {
    const message = "is needed; set a personal access token, an OAuth token, or client_id and client_secret";
    problems.push({ path: "databricks_api_token", message });
  }
  return problems;
}

function baseOf({ baseUrl, databricksWorkspaceUrl, host }: DatabricksModelServingSettings): string {
  return baseUrl || databricksWorkspaceUrl || withScheme(host);
}

function tokenOf({ databricksApiToken, token }: DatabricksModelServingSettings): string {
  return databricksApiToken || token;
}

/** Databricks' own tools take a host with its scheme and without. */
function withScheme(host: string): string {
  return host === "" || host.includes("://") ? host : `https://${host}`;
}
