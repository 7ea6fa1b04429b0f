import { readFileSync } from "node:fs";
import { ANTHROPIC_SCHEMAS, anthropicPaths } from "./anthropic.ts";
import { ConnectSchemas, pathOf } from "./connect.ts";
import { CONNECT, type Examples } from "./examples.ts";
import { GEMINI_SCHEMAS, geminiPaths } from "./gemini.ts";
import { addManagement } from "./manage.ts";
import { addMlflow } from "./mlflow.ts";
import { mlflow3Paths } from "./mlflow3.ts";
import { OpenAISchemas } from "./openai.ts";
import { limitPaths, operatorPaths } from "./operators.ts";
import { json, type Paths, restPaths } from "./paths.ts";
import { PREDICT_SCHEMAS, predictPaths } from "./predict.ts";
import { loadProtos, type Protos } from "./protos.ts";
import { RESPONSES_SCHEMAS, responsesPaths } from "./responses.ts";
import { ref, type Schema } from "./schema.ts";
import { TRACKING_SCHEMAS, trackingPaths } from "./tracking.ts";

/** The services whose methods can be called over Connect: the unary ones with plain JSON. */
const SERVICES = [
  "polygate.v1.ChatService",
  "polygate.v1.CompletionsService",
  "polygate.v1.EmbeddingsService",
  "polygate.v1.PredictionService",
  "polygate.admin.v1.RouteAdminService",
  "polygate.admin.v1.RevisionAdminService",
  "polygate.admin.v1.KeyAdminService",
  "polygate.admin.v1.AuditService",
];

/** The API's description in OpenAPI 3.1, from the protos with their comments and rules, and from the REST table. */
export function openApiDocument(): Record<string, unknown> {
  const protos = loadProtos();
  const { version, license } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const openai = new OpenAISchemas(protos);
  for (const name of ["Chat", "StreamChat", "Complete", "StreamComplete", "Embed"]) {
    openai.of(protos.message(`polygate.v1.${name}Response`));
    if (!name.startsWith("Stream")) openai.of(protos.message(`polygate.v1.${name}Request`));
  }
  addMlflow(openai, protos);
  const connect = new ConnectSchemas(protos);
  const rpc = connectPaths(protos, connect);
  const known: Paths = {
    ...restPaths(),
    ...responsesPaths(),
    ...anthropicPaths(),
    ...geminiPaths(),
    ...predictPaths(),
    ...limitPaths(),
  };
  addManagement(known);
  return {
    openapi: "3.1.0",
    info: {
      title: "Polygate",
      version,
      description: INFO,
      license: { name: license, identifier: license },
    },
    servers: [{ url: "/" }],
    tags: TAGS,
    security: [{}, ...Object.keys(SECURITY).map((name) => ({ [name]: [] }))],
    paths: {
      ...known,
      ...mlflow3Paths(known),
      ...trackingPaths(),
      ...rpc,
      ...operatorPaths(),
    },
    components: {
      schemas: sorted({
        ...openai.schemas,
        ...connect.schemas,
        ...RESPONSES_SCHEMAS,
        ...ANTHROPIC_SCHEMAS,
        ...GEMINI_SCHEMAS,
        ...PREDICT_SCHEMAS,
        ...TRACKING_SCHEMAS,
        ...OWN,
      }),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: SECURITY,
    },
  };
}

function connectPaths(protos: Protos, schemas: ConnectSchemas): Paths {
  const paths: Paths = {};
  for (const name of SERVICES) {
    const service = protos.service(name);
    for (const method of service.methods) {
      const streams = method.methodKind !== "unary";
      const media = (schema: Schema, more?: Examples) => (streams ? framed(schema, more) : json(schema, more));
      const [summary = method.name, ...rest] = protos.comment(method).split("\n\n");
      const value = CONNECT[method.name];
      const example = value && { example: { summary: "An example", value } };
      paths[pathOf(method)] = {
        post: {
          tags: ["Connect"],
          operationId: `${service.name}.${method.name}`,
          summary: summary.replace(/\.$/, ""),
          ...((streams || rest.length > 0) && { description: [...rest, ...(streams ? [FRAMES] : [])].join("\n\n") }),
          parameters: [{ $ref: "#/components/parameters/ConnectTimeout" }],
          requestBody: { required: true, content: media(schemas.of(method.input), example) },
          responses: {
            "200": { description: "The answer.", content: media(schemas.of(method.output)) },
            default: { description: "What went wrong.", content: json(ref("ConnectError")) },
          },
        },
      };
    }
  }
  return paths;
}

/** What a stream's messages are sent as: not plain JSON, so it takes a client of Connect, gRPC or gRPC-web. */
const framed = (schema: Schema, examples?: Examples) => ({
  "application/connect+json": { schema, ...(examples && { examples }) },
});
const FRAMES =
  "Messages are in Connect's envelopes: a byte of flags, four bytes of length, and JSON; a last one with flag 2 ends the stream. Use a client of Connect, gRPC or gRPC-web.";

function sorted(schemas: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const INFO =
  "One door in front of many model providers. The same routes answer on OpenAI's paths, on Anthropic's, on Google's, on MLflow's, and over Connect, gRPC and gRPC-web at the same address.";

const TAGS = [
  { name: "OpenAI", description: "OpenAI's API. `model` is the name of a route." },
  { name: "Anthropic", description: "Anthropic's API. `model` is the name of a route." },
  { name: "Google", description: "Google's Gemini API. The model of a path is the name of a route." },
  { name: "MLflow", description: "The paths of the MLflow AI Gateway, for its clients of every age." },
  { name: "Predictions", description: "Classical models, asked in the forms of MLflow's model server." },
  {
    name: "Connect",
    description:
      "The services' methods. The unary ones take plain JSON; all of them are at the same paths for clients of Connect, gRPC and gRPC-web.",
  },
  { name: "Health", description: "For load balancers and Prometheus." },
];

const OWN: Record<string, Schema> = {
  Model: {
    type: "object",
    description: "A route, as OpenAI describes a model.",
    required: ["id", "object", "created", "owned_by"],
    properties: {
      id: { type: "string", description: "The route's name." },
      object: { type: "string", enum: ["model"] },
      created: { type: "integer", description: "When the config was loaded, in seconds since 1970." },
      owned_by: { type: "string", description: "Kind of the provider of its first target." },
    },
  },
  ModelList: {
    type: "object",
    required: ["object", "data"],
    properties: { object: { type: "string", enum: ["list"] }, data: { type: "array", items: ref("Model") } },
  },
  OpenAIError: {
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["message", "type", "param", "code"],
        properties: {
          message: { type: "string", description: "What is wrong and what to do, in a sentence." },
          type: { type: "string", examples: ["invalid_request_error"] },
          param: { type: ["string", "null"], description: "The member at fault." },
          code: { type: ["string", "null"], examples: ["model_not_found"] },
        },
      },
    },
  },
  ConnectError: {
    type: "object",
    description: "An error of Connect; `details` holds a `google.rpc.ErrorInfo` with the reason.",
    required: ["code"],
    properties: {
      code: { type: "string", examples: ["not_found"] },
      message: { type: "string" },
      details: {
        type: "array",
        items: {
          type: "object",
          required: ["type", "value"],
          properties: {
            type: { type: "string" },
            value: { type: "string", description: "The message in base64." },
            debug: {},
          },
        },
      },
    },
  },
};

const PARAMETERS = {
  RequestId: {
    name: "x-request-id",
    in: "header",
    schema: { type: "string", maxLength: 128 },
    description: "An id of your own for this request. One is made otherwise; the answer has it either way.",
  },
  Timeout: {
    name: "x-request-timeout-ms",
    in: "header",
    schema: { type: "integer", minimum: 1 },
    description: "Most milliseconds that the whole call may take.",
  },
  ConnectTimeout: {
    name: "connect-timeout-ms",
    in: "header",
    schema: { type: "integer", minimum: 1 },
    description: "Most milliseconds that the whole call may take.",
  },
  RouteName: {
    name: "name",
    in: "path",
    required: true,
    schema: { type: "string" },
    example: "chat",
    description: "A route's name.",
  },
  PageToken: {
    name: "page_token",
    in: "query",
    schema: { type: "string" },
    description: "`next_page_token` of the page before.",
  },
};

const HEADERS = {
  RequestId: { schema: { type: "string" }, description: "Finds the request in the gateway's log." },
  Served: {
    schema: { type: "string" },
    description: "Who answered: `route`, `provider`, `model`, `target`, `attempt` and `revision`.",
  },
  Deprecation: {
    schema: { type: "string" },
    description: "Of a route that ends: since when it is deprecated, as RFC 9745 writes it.",
  },
  Sunset: { schema: { type: "string" }, description: "Of a route that ends: the day, as RFC 8594 writes it." },
  Dropped: { schema: { type: "string" }, description: "Members of the request that were not sent to the provider." },
  Converted: { schema: { type: "string" }, description: "Members that were sent in another form." },
  Defaulted: { schema: { type: "string" }, description: "Members that the provider demands and the caller left out." },
  RateLimit: { schema: { type: "integer" }, description: "Calls that a period allows; on limited routes." },
  RateLimitRemaining: { schema: { type: "integer" }, description: "Calls that are left of the period." },
  RateLimitReset: { schema: { type: "integer" }, description: "Seconds until the period is over." },
  RetryAfter: { schema: { type: "integer" }, description: "Seconds after which to try again." },
  UpstreamRequestId: { schema: { type: "string" }, description: "The provider's own id; its support asks for it." },
};

/** The ways to send a key, where the config has `auth`. */
const SECURITY = {
  Bearer: { type: "http", scheme: "bearer", description: "A key of the config's `auth`." },
  ApiKey: {
    type: "apiKey",
    in: "header",
    name: "x-api-key",
    description: "The same key, as Anthropic's SDKs send it.",
  },
  AzureKey: { type: "apiKey", in: "header", name: "api-key", description: "The same key, as Azure's SDKs send it." },
  GoogleKey: {
    type: "apiKey",
    in: "header",
    name: "x-goog-api-key",
    description: "The same key, as Google's SDKs do.",
  },
  Basic: { type: "http", scheme: "basic", description: "The same key as the password, with any user." },
};
