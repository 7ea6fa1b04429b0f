/** Every caller's dialect in front of every provider's streams: what comes out is grammatical, and means what went in. */
import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/plan.ts";
import type { Protocol } from "../../src/core/protocol.ts";
import type { Upstream } from "../../src/core/provider.ts";
import type { Door } from "../../src/core/site.ts";
import { Router } from "../../src/net/router.ts";
import { loadProtocols } from "../../src/registry.ts";
import { fakeClock } from "../support/clock.ts";
import { siteOf } from "../support/door.ts";
import { anthropicStream } from "../support/grammars/anthropic.ts";
import { connectStream } from "../support/grammars/connect.ts";
import { geminiStream } from "../support/grammars/gemini.ts";
import { mlflowStream } from "../support/grammars/mlflow.ts";
import { openAIStream } from "../support/grammars/openai.ts";
import { responsesStream } from "../support/grammars/responses.ts";
import type { Heard } from "../support/grammars/told.ts";
import { type Remembered, remembered } from "../support/memory.ts";
import { targetOf } from "../support/plan.ts";
import { type Case, type Contracted, contracted, opened } from "../support/provider-contract.ts";
import { wires } from "../support/sink.ts";

/** How one kind of caller asks for a stream, and the grammar of what it gets. */
interface Caller {
  readonly name: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly grammar: (body: Buffer) => Heard;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const text = (grammar: (body: string) => Heard) => (body: Buffer) => grammar(body.toString());
const messages = [{ role: "user", content: "hi" }];
const framed = (bytes: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

const CALLERS: readonly Caller[] = [
  {
    name: "OpenAI's chats",
    path: "/v1/chat/completions",
    body: json({ model: "chat", messages, max_tokens: 99, stream: true, stream_options: { include_usage: true } }),
    grammar: text(openAIStream),
  },
  {
    name: "OpenAI's responses",
    path: "/v1/responses",
    body: json({ model: "chat", input: "hi", max_output_tokens: 99, stream: true }),
    grammar: text(responsesStream),
  },
  {
    name: "Anthropic's messages",
    path: "/v1/messages",
    headers: { "anthropic-version": "2023-06-01" },
    body: json({ model: "chat", messages, max_tokens: 99, stream: true }),
    grammar: text(anthropicStream),
  },
  {
    name: "Gemini's content",
    path: "/v1beta/models/chat:streamGenerateContent?alt=sse",
    body: json({ contents: [{ role: "user", parts: [{ text: "hi" }] }], generationConfig: { maxOutputTokens: 99 } }),
    grammar: text(geminiStream),
  },
  {
    name: "MLflow's endpoints",
    path: "/gateway/chat/invocations",
    body: json({ messages, max_tokens: 99, stream: true, stream_options: { include_usage: true } }),
    grammar: text(mlflowStream),
  },
  {
    name: "Connect",
    path: "/polygate.v1.ChatService/StreamChat",
    headers: { "content-type": "application/connect+json", "connect-protocol-version": "1" },
    body: framed(json({ chat: { model: "chat", messages: [{ role: "ROLE_USER", text: "hi" }], maxTokens: 99 } })),
    grammar: connectStream,
  },
];

const door = {
  site: siteOf([]),
  clock: fakeClock(),
  stopping: false,
  onChange: () => () => undefined,
} satisfies Door;
const router = new Router((await loadProtocols()).flatMap((protocol: Protocol) => protocol.mounts(door)));
// Presets read their answers as one another do.
const all = (await contracted()).filter(
  (one, at, list) => list.findIndex(({ contract }) => contract === one.contract) === at,
);

const streaming = all.filter(({ contract }) =>
  contract.cases.some(({ stream, op }) => stream !== undefined && op === "chat"),
);

describe.each(streaming)("a stream of $kind", (one) => {
  const streams = one.contract.cases.filter(({ stream, op }) => stream !== undefined && op === "chat");
  describe.each(CALLERS)("for $name", (caller) => {
    it.each(streams)("is grammatical, and says the same, with $name", async (of) => {
      for (const bytes of variants(one.file(of.stream!), opened(one, of.settings))) {
        for (const size of [bytes.length, 7]) {
          const heard = await hear(caller, one, of, bytes, size);
          expect(heard.failed).toBeUndefined();
          sameAs(heard, of);
        }
      }
    });

    it.each(streams)("tells of a cut as a failure, with $name", async (of) => {
      const bytes = one.file(of.stream!);
      for (const at of [0.4, 0.6, 0.8].map((part) => Math.floor(bytes.length * part))) {
        const answer = await ask(caller, one, of, bytes.subarray(0, at), at || 1, false);
        if (answer.status === 200 && answer.body.length > 0) expect(caller.grammar(answer.body).failed).not.toBe("");
        else expect(answer.status).toBe(502);
      }
    });
  });
});

/** The same stream in other clothes: other ends of lines, comments between events, no last blank line. */
function variants(bytes: Buffer, upstream: Upstream): Buffer[] {
  const type = upstream.reads?.chat?.streamType ?? "text/event-stream";
  if (type !== "text/event-stream") return [bytes];
  const plain = bytes.toString().replaceAll("\r\n", "\n");
  const dressed = [
    plain,
    plain.replaceAll("\n", "\r\n"),
    plain.replaceAll("\n", "\r"),
    plain.replaceAll("\n\n", "\n\n: ping\n\n"),
    plain.replace(/\n+$/, "\n"),
    plain.replace(/\n+$/, ""),
  ];
  return dressed.map((one) => Buffer.from(one));
}

async function hear(caller: Caller, one: Contracted, of: Case, bytes: Buffer, size: number): Promise<Heard> {
  const answer = await ask(caller, one, of, bytes, size, true);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.toString()}`);
  expect(answer.over).toBe("whole");
  try {
    return caller.grammar(answer.body);
  } catch (thrown) {
    throw new Error(`${String(thrown)} in\n${answer.body.toString()}`);
  }
}

/** Asks through the real protocol; the provider's bytes come in chunks of `size`. */
async function ask(
  caller: Caller,
  one: Contracted,
  of: Case,
  bytes: Buffer,
  size: number,
  framedEnd: boolean,
): Promise<Remembered> {
  const upstream = opened(one, of.settings);
  const { exchange, all: sent } = wires();
  const target = { ...targetOf(exchange, 0, upstream), model: of.model ?? one.contract.model };
  const over: Partial<Plan> = { maxReplyBytes: 10_000_000 };
  const site = siteOf([{ name: "chat", type: "llm/v1/chat", targets: [target], over }]);
  door.site = site;
  const answer = remembered(caller.path, caller.headers ?? {}, caller.body);
  router.route(answer.inbound);
  for (let turn = 0; turn < 500 && sent.length === 0 && answer.over === undefined; turn++) {
    await new Promise((next) => setImmediate(next));
  }
  const wire = sent[0];
  if (wire === undefined) return answer;
  wire.receiver.onHead(200, { "content-type": upstream.reads?.chat?.streamType ?? "text/event-stream" });
  for (let from = 0; from < bytes.length; from += size) wire.receiver.onData(bytes.subarray(from, from + size));
  wire.receiver.onEnd(framedEnd);
  for (let turn = 0; turn < 50 && answer.over === undefined; turn++) await new Promise((next) => setImmediate(next));
  return answer;
}

function sameAs(heard: Heard, { answer }: Case): void {
  // A dialect without a place for refusals says them as text.
  if (answer.text !== undefined) expect([answer.text, answer.text + (answer.refusal ?? "")]).toContain(heard.text);
  if (answer.reasoning !== undefined) expect(heard.reasoning).toBe(answer.reasoning);
  if (answer.tool_calls !== undefined) {
    expect(heard.calls.map(({ name, arguments: args }) => [name, JSON.parse(args)])).toEqual(
      answer.tool_calls.map(({ name, arguments: args }) => [name, JSON.parse(args)]),
    );
  }
  const { prompt_tokens, completion_tokens } = answer.usage ?? {};
  if (prompt_tokens !== undefined) expect(heard.input).toBe(prompt_tokens);
  if (completion_tokens !== undefined) expect(heard.output).toBe(completion_tokens);
}
