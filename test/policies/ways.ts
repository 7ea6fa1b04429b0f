/** Every way to ask a gateway, and how each is told no. */
import { connect as connectHttp2 } from "node:http2";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { ChatService, Role } from "../../gen/polygate/v1/chat_pb.js";
import { CompletionsService } from "../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService } from "../../gen/polygate/v1/embeddings_pb.js";
import { PredictionService } from "../../gen/polygate/v1/predictions_pb.js";
import { all, WIRES } from "../support/rpc.ts";

export type Headers = Readonly<Record<string, string>>;

/** How an asking ended: `ok`, or what its protocol calls the refusal, with the status over HTTP where there is one. */
export interface Ending {
  readonly said: string;
  /** Of the answer, or of the refusal's metadata. */
  readonly headers: Headers;
  /** What came over HTTP; of RPC the refusal's sentence. */
  readonly body: string;
}

export interface Way {
  readonly name: string;
  /** The route that it calls; `undefined`: it only looks. */
  readonly route: "chat" | "completions" | "embeddings" | "predictions" | undefined;
  /** `said` of a caller who is not known, and of one who called too often. */
  readonly unknown: string;
  readonly exceeded: string;
  readonly ask: (url: string, headers?: Headers) => Promise<Ending>;
}

const CHAT = { messages: [{ role: "user", content: "hi" }] };
const BODIES = { chat: CHAT, completions: { prompt: "hi" }, embeddings: { input: "hi" }, predictions: { inputs: [1] } };
const text = { role: Role.USER, content: { case: "text", value: "hi" } } as const;

type Route = NonNullable<Way["route"]>;

/** What OpenAI and MLflow say; the latter has its words in `detail`, and its limiter's in `error`. */
function saidOver(status: number, body: string): string {
  if (status < 400) return "ok";
  const { error, detail, code, error_code } = JSON.parse(body) as {
    error_code?: string;
    error?: { code: string } | string;
    detail?: string;
    code?: string;
  };
  return [status, code ?? error_code ?? (typeof error === "object" ? error.code : detail ? "detail" : "error")].join(
    " ",
  );
}

function rest(name: string, method: string, path: string, route: Way["route"], body?: object): Way {
  const openai = path.startsWith("/v1");
  const scoring = path.startsWith("/predict/");
  return {
    name,
    route,
    unknown: openai ? "401 invalid_api_key" : scoring ? "401 UNAUTHENTICATED" : "401 detail",
    exceeded: openai ? "429 rate_limit_exceeded" : scoring ? "429 REQUEST_LIMIT_EXCEEDED" : "429 error",
    async ask(url, headers) {
      const sent = { method, headers: { "content-type": "application/json", ...headers } };
      const reply = await fetch(url + path, body ? { ...sent, body: JSON.stringify(body) } : sent);
      const told = await reply.text();
      return { said: saidOver(reply.status, told), headers: Object.fromEntries(reply.headers), body: told };
    },
  };
}

const http2: Way = {
  name: "OpenAI chat on HTTP/2",
  route: "chat",
  unknown: "401 invalid_api_key",
  exceeded: "429 rate_limit_exceeded",
  async ask(url, headers) {
    const session = connectHttp2(url);
    try {
      const head = { ":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json" };
      const request = session.request({ ...head, ...headers });
      request.end(JSON.stringify({ model: "chat", ...CHAT }));
      const reply = await new Promise<Headers>((resolve, reject) => {
        request.on("response", (response) => resolve(response as unknown as Headers));
        request.on("error", reject);
      });
      let told = "";
      for await (const chunk of request) told += chunk;
      return { said: saidOver(Number(reply[":status"]), told), headers: reply, body: told };
    } finally {
      session.close();
    }
  },
};

function typed(
  name: string,
  route: Way["route"],
  transportOf: (url: string) => Transport,
  call: (transport: Transport, headers: Headers) => Promise<unknown>,
): Way {
  return {
    name,
    route,
    unknown: "Unauthenticated CALLER_UNKNOWN",
    exceeded: "ResourceExhausted RATE_EXCEEDED",
    async ask(url, headers = {}) {
      try {
        await call(transportOf(url), headers);
        return { said: "ok", headers: {}, body: "" };
      } catch (thrown) {
        const error = ConnectError.from(thrown);
        const [info] = error.findDetails(ErrorInfoSchema);
        const said = `${Code[error.code]} ${info?.reason}`;
        return { said, headers: Object.fromEntries(error.metadata), body: error.rawMessage };
      }
    },
  };
}

const CALLS: readonly [
  name: string,
  route: Way["route"],
  call: (transport: Transport, headers: Headers) => Promise<unknown>,
][] = [
  [
    "chat",
    "chat",
    (via, headers) => createClient(ChatService, via).chat({ model: "chat", messages: [text] }, { headers }),
  ],
  [
    "streamed chat",
    "chat",
    (via, headers) =>
      all(createClient(ChatService, via).streamChat({ chat: { model: "chat", messages: [text] } }, { headers })),
  ],
];

const viaGrpc = WIRES[0]![1];
const post = (route: Route, prefix: string) =>
  rest(`MLflow ${prefix}${route}`, "POST", `${prefix}${route}/invocations`, route, BODIES[route]);

/** Every protocol, over the HTTP versions that it has, and every operation. */
export const WAYS: readonly Way[] = [
  rest("OpenAI chat on HTTP/1.1", "POST", "/v1/chat/completions", "chat", { model: "chat", ...CHAT }),
  rest("OpenAI streamed chat", "POST", "/v1/chat/completions", "chat", { model: "chat", stream: true, ...CHAT }),
  rest("OpenAI completions", "POST", "/v1/completions", "completions", { model: "completions", prompt: "hi" }),
  rest("OpenAI embeddings", "POST", "/v1/embeddings", "embeddings", { model: "embeddings", input: "hi" }),
  rest("predictions", "POST", "/predict/predictions", "predictions", BODIES.predictions),
  rest("OpenAI's list", "GET", "/v1/models", undefined),
  rest("one of OpenAI's list", "GET", "/v1/models/chat", undefined),
  http2,
  ...(["chat", "completions", "embeddings"] as const).flatMap((route) => [
    post(route, "/gateway/"),
    post(route, "/endpoints/"),
  ]),
  rest("MLflow's routes", "GET", "/api/2.0/gateway/routes/", undefined),
  rest("one of MLflow's endpoints", "GET", "/api/2.0/endpoints/chat", undefined),
  ...WIRES.flatMap(([wire, transport]) =>
    CALLS.map(([name, route, call]) => typed(`${name} by ${wire}`, route, transport, call)),
  ),
  typed("completions by gRPC", "completions", viaGrpc, (via, headers) =>
    createClient(CompletionsService, via).complete(
      { model: "completions", prompt: { case: "text", value: "hi" } },
      { headers },
    ),
  ),
  typed("embeddings by gRPC", "embeddings", viaGrpc, (via, headers) =>
    createClient(EmbeddingsService, via).embed(
      { model: "embeddings", input: { case: "text", value: "hi" } },
      { headers },
    ),
  ),
  typed("predictions by gRPC", "predictions", viaGrpc, (via, headers) =>
    createClient(PredictionService, via).predict(
      { model: "predictions", input: { case: "records", value: { records: [{ x: 1 }] } } },
      { headers },
    ),
  ),
  typed("the admin's list by gRPC", undefined, viaGrpc, (via, headers) =>
    createClient(RouteAdminService, via).listRoutes({}, { headers }),
  ),
];
