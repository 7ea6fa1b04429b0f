import { arrive } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call } from "../../core/call.ts";
import { counting } from "../../core/counting.ts";
import { asGatewayError, errors } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { collectPlain, notJson } from "../../core/plain.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { tie } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import type { Door } from "../../core/site.ts";
import { requestIn } from "../../dialects/anthropic/request-in.ts";
import { AnthropicSink, CountSink, refuse } from "./sink.ts";

/**
 * Anthropic's paths: messages, whole and streamed, and the count of their tokens, where `model` is the name of a route.
 * @see https://docs.claude.com/en/api/messages
 */
export const protocol: Protocol = { kind: "anthropic", mounts };

function mounts(door: Door): readonly Mount[] {
  const messages = (inbound: Inbound) => answer(door, inbound, new AnthropicSink(inbound), (plan) => plan);
  const count = (inbound: Inbound) => answer(door, inbound, new CountSink(inbound), counting);
  const post = (path: string, handle: Endpoint["handle"]): Endpoint => ({
    method: "POST",
    path,
    permission: "inference",
    handle,
  });
  const endpoints = [post("/v1/messages", messages), post("/v1/messages/count_tokens", count)];
  return [
    { prefix: "/v1/messages", endpoints, refuse },
    // Where MLflow 3 passes Anthropic's requests through.
    {
      prefix: "/gateway/anthropic/",
      endpoints: [post("/gateway/anthropic/v1/messages", messages)],
      refuse,
    },
    // Anthropic's clients say so on every path, those that are not here too.
    { prefix: "/v1/m", endpoints: [], claims: ({ headers }) => headers["anthropic-version"] !== undefined, refuse },
  ];
}

function answer(door: Door, inbound: Inbound, sink: AnthropicSink, planned: typeof counting): void {
  const { site } = door;
  const wrong = notJson(inbound);
  if (wrong) {
    sink.fail(undefined, wrong);
    return;
  }
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const asked = Body.ofBytes(bytes).json;
      const plan = site.plan("chat", routeOf(asked));
      // Who wants a count need not say how much to answer.
      const common = requestIn(sink instanceof CountSink ? { max_tokens: 1, ...asked, stream: false } : asked);
      const stream = common["stream"] === true;
      const call = new Call(
        arrive(inbound, "anthropic", "anthropic"),
        planned(plan, inbound.principal),
        Body.ofJson(common),
        stream,
      );
      inbound.call = call;
      tie(inbound, run(call, sink, door.clock));
    } catch (thrown) {
      sink.fail(undefined, asGatewayError(thrown));
    }
  });
}

function routeOf({ model }: Readonly<JsonObject>): string {
  if (typeof model === "string" && model !== "") return model;
  throw errors.fieldInvalid([
    { field: "model", description: "must be the name of a route, as GET /v1/models lists them" },
  ]);
}
