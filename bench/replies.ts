/** Answers of model servers, made once: whole HTTP/1.1 responses, and server-sent events as HTTP chunks. */

const MODEL = "bench-model";
const USAGE = { prompt_tokens: 200, completion_tokens: 180, total_tokens: 380 };

/** Prose as a model writes it: some line breaks, quotes and letters outside ASCII, `bytes` long in JSON. */
export function prose(bytes: number): string {
  const sentence = 'The gateway "reads" what it must, and no more; caf\u00e9s in \u6771\u4eac agree.\n';
  let text = "";
  while (Buffer.byteLength(JSON.stringify(text)) < bytes) text += sentence;
  while (Buffer.byteLength(JSON.stringify(text)) > bytes) text = text.slice(0, -1);
  return text;
}

/** The 1 KB and the 32 KB answer of OpenAI's chat completions. */
export const OPENAI_REPLY = {
  small: http(openAI(1024)),
  large: http(openAI(32 * 1024)),
};

/** The 1 KB answer of Anthropic's messages. */
export const ANTHROPIC_REPLY = {
  small: http({
    id: "msg_01BenchBenchBenchBench",
    type: "message",
    role: "assistant",
    model: MODEL,
    content: [{ type: "text", text: prose(760) }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 200, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 180 },
  }),
};

const made = new Map<number, readonly Buffer[]>();

/** `count` events, the last with a finish reason; `usage`, `[DONE]` and the end of the body come with the last. */
export function sseEvents(count: number): readonly Buffer[] {
  let events = made.get(count);
  if (events !== undefined) return events;
  const pieces = Array.from({ length: count }, (_, i) => chunked(`data: ${JSON.stringify(piece(i, count))}\n\n`));
  const usage = { ...piece(-1, count), choices: [], usage: USAGE };
  pieces.push(
    Buffer.concat([pieces.pop()!, chunked(`data: ${JSON.stringify(usage)}\n\ndata: [DONE]\n\n`), chunked("")]),
  );
  events = pieces;
  made.set(count, events);
  return events;
}

function piece(index: number, count: number) {
  const first = index === 0;
  const last = index === count - 1;
  return {
    id: "chatcmpl-BenchBenchBench",
    object: "chat.completion.chunk",
    created: 1760000000,
    model: MODEL,
    service_tier: "default",
    system_fingerprint: "fp_34a54ae93c",
    choices: [
      {
        index: 0,
        delta: first ? { role: "assistant", content: "" } : last ? {} : { content: ` word${index % 10}` },
        logprobs: null,
        finish_reason: last ? "stop" : null,
      },
    ],
    usage: null,
  };
}

function openAI(bytes: number) {
  const of = (content: string) => ({
    id: "chatcmpl-BenchBenchBench",
    object: "chat.completion",
    created: 1760000000,
    model: MODEL,
    service_tier: "default",
    system_fingerprint: "fp_34a54ae93c",
    choices: [
      { index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" },
    ],
    usage: {
      ...USAGE,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
  });
  return of(prose(bytes - Buffer.byteLength(JSON.stringify(of(""))) + 2));
}

function http(json: object): Buffer {
  const body = JSON.stringify(json);
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** As a chunk of a chunked body; nothing is its end. */
function chunked(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
