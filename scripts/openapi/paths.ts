import { type Examples, MLFLOW, OPENAI } from "./examples.ts";
import { ref, type Schema } from "./schema.ts";

type Operation = Record<string, unknown>;
export type Paths = Record<string, Record<string, Operation>>;

export const json = (schema: Schema, examples?: Examples) => ({
  "application/json": { schema, ...(examples && { examples }) },
});

/** Headers of every answer to a call. */
const CALL_HEADERS = {
  "x-request-id": { $ref: "#/components/headers/RequestId" },
  "x-polygate-served": { $ref: "#/components/headers/Served" },
  "x-polygate-dropped": { $ref: "#/components/headers/Dropped" },
  "x-polygate-converted": { $ref: "#/components/headers/Converted" },
  "x-polygate-defaulted": { $ref: "#/components/headers/Defaulted" },
  deprecation: { $ref: "#/components/headers/Deprecation" },
  sunset: { $ref: "#/components/headers/Sunset" },
  "x-ratelimit-limit": { $ref: "#/components/headers/RateLimit" },
  "x-ratelimit-remaining": { $ref: "#/components/headers/RateLimitRemaining" },
  "x-ratelimit-reset": { $ref: "#/components/headers/RateLimitReset" },
};
const ERROR_HEADERS = {
  "x-request-id": { $ref: "#/components/headers/RequestId" },
  "retry-after": { $ref: "#/components/headers/RetryAfter" },
  "x-polygate-upstream-request-id": { $ref: "#/components/headers/UpstreamRequestId" },
};
const CALL_PARAMETERS = [{ $ref: "#/components/parameters/RequestId" }, { $ref: "#/components/parameters/Timeout" }];

const EVENTS =
  "Events `data: {...}`, ended by `data: [DONE]`, of responses by their own last event. A stream that fails half way ends with an error instead.";

/**
 * @param events The schema of a streamed answer's events; absent: it cannot be streamed.
 * @param stream How they come, and how they end.
 */
export function call(
  body: Schema,
  examples: Examples,
  answer: Schema,
  events: Schema | undefined,
  error: Schema,
  stream = EVENTS,
): Operation {
  const streamed = events && { "text/event-stream": { schema: { type: "string", description: stream } } };
  return {
    parameters: CALL_PARAMETERS,
    requestBody: { required: true, content: json(body, examples) },
    responses: {
      "200": { description: "The answer.", headers: CALL_HEADERS, content: { ...json(answer), ...streamed } },
      default: { description: "What went wrong.", headers: ERROR_HEADERS, content: json(error) },
    },
    ...(events && { "x-event-schema": events }),
  };
}

/** Of what is only looked at. */
export function read(answer: Schema, error: Schema): Operation {
  return {
    responses: {
      "200": { description: "The answer.", content: json(answer) },
      default: { description: "What went wrong.", content: json(error) },
    },
  };
}

export const OPENAI_ERROR = ref("OpenAIError");
export const MLFLOW_ERROR = ref("MlflowError");

/** OpenAI's paths. */
function openAIPaths(): Paths {
  const tags = ["OpenAI"];
  const chat = call(ref("ChatRequest"), OPENAI.chat, ref("ChatResponse"), ref("StreamChatResponse"), OPENAI_ERROR);
  const text = call(
    ref("CompleteRequest"),
    OPENAI.completions,
    ref("CompleteResponse"),
    ref("StreamCompleteResponse"),
    OPENAI_ERROR,
  );
  const embed = call(ref("EmbedRequest"), OPENAI.embeddings, ref("EmbedResponse"), undefined, OPENAI_ERROR);
  const id = {
    name: "id",
    in: "path",
    required: true,
    schema: { type: "string" },
    example: "chat",
    description: "A route's name.",
  };
  return {
    "/v1/chat/completions": {
      post: { tags, operationId: "chatCompletions", summary: "Goes on with a conversation", ...chat },
    },
    "/v1/completions": { post: { tags, operationId: "completions", summary: "Goes on with a text", ...text } },
    "/v1/embeddings": { post: { tags, operationId: "embeddings", summary: "Turns texts into vectors", ...embed } },
    "/v1/models": {
      get: {
        tags,
        operationId: "listModels",
        summary: "Lists the routes as models",
        ...read(ref("ModelList"), OPENAI_ERROR),
      },
    },
    "/v1/models/{id}": {
      get: {
        tags,
        operationId: "getModel",
        summary: "One route as a model",
        parameters: [id],
        ...read(ref("Model"), OPENAI_ERROR),
      },
    },
  };
}

/** MLflow's paths. */
function mlflowPaths(): Paths {
  const tags = ["MLflow"];
  const name = { $ref: "#/components/parameters/RouteName" };
  const token = { $ref: "#/components/parameters/PageToken" };
  const paths: Paths = {};
  const families = [
    { one: "route", list: "/api/2.0/gateway/routes/", calls: "/gateway/", schema: "MlflowRoute", since: "2.5" },
    { one: "endpoint", list: "/api/2.0/endpoints/", calls: "/endpoints/", schema: "MlflowEndpoint", since: "2.9" },
  ];
  for (const { one, list, calls, schema, since } of families) {
    const many = one === "route" ? "Routes" : "Endpoints";
    const single = many.slice(0, -1);
    paths[list] = {
      get: {
        tags,
        operationId: `list${many}`,
        summary: `Lists the ${one}s (MLflow ${since})`,
        parameters: [token],
        ...read(ref(`${schema}s`), MLFLOW_ERROR),
      },
    };
    paths[`${list}{name}`] = {
      get: {
        tags,
        operationId: `get${single}`,
        summary: `One ${one} (MLflow ${since})`,
        parameters: [name],
        ...read(ref(schema), MLFLOW_ERROR),
      },
    };
    const request = {
      anyOf: ["Chat", "Completions", "Embeddings", "Legacy"].map((form) => ref(`Mlflow${form}Request`)),
    };
    const answer = {
      anyOf: ["ChatResponse", "CompleteResponse", "EmbedResponse", "MlflowLegacyResponse"].map((form) => ref(form)),
    };
    const events = { anyOf: [ref("StreamChatResponse"), ref("StreamCompleteResponse")] };
    const invoke = call(request, MLFLOW, answer, events, MLFLOW_ERROR);
    paths[`${calls}{name}/invocations`] = {
      post: {
        tags,
        operationId: `query${single}`,
        summary: `Calls ${one === "route" ? "a" : "an"} ${one} (MLflow ${since})`,
        description:
          "What the body holds follows from the route's type. Clients of MLflow 2.5-2.8 are answered in their own form.",
        ...invoke,
        parameters: [name, ...CALL_PARAMETERS],
      },
    };
  }
  return paths;
}

/** The REST table of the calls and lists. */
export function restPaths(): Paths {
  return { ...openAIPaths(), ...mlflowPaths() };
}
