/** One chat request for every client, and what an answer to it means whatever carried it. */
import { expect } from "vitest";
import { events } from "../support/canned.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** The request, less `model` and `stream`: OpenAI's member names, which are MLflow's and the protos' too. */
export const question = {
  messages: [
    { role: "system", content: "Answer in one sentence." },
    { role: "user", content: "What is the capital of Japan (日本)? 🗼" },
  ],
  temperature: 0,
  max_tokens: 200,
} as const;

/** The route that answers it. */
export const ROUTE = "chat";

/** What an answer says, in OpenAI's words. */
export interface Told {
  readonly text: string;
  readonly finish: string;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
}

/** What a streamed answer adds up to. */
export interface Streamed extends Told {
  /** Pieces of text that came, each on its own. */
  readonly pieces: number;
}

/** What a client's script prints: both ways of asking. */
export interface Both {
  readonly unary: Told;
  readonly stream: Streamed;
}

/** The quickstart's three routes on the simulator; `extra` is YAML put before them. */
export const simulatorConfig = (extra = ""): string => `${extra}
routes:
  - name: chat
    route_type: llm/v1/chat
    model: { provider: simulator, name: simulator }
  - name: completions
    route_type: llm/v1/completions
    model: { provider: simulator, name: simulator }
  - name: embeddings
    route_type: llm/v1/embeddings
    model: { provider: simulator, name: simulator }
`;

/** A gateway on {@link simulatorConfig}. */
export const startSimulator = (extra = ""): Promise<Gateway> => startGateway(simulatorConfig(extra));

/** The answer over plain HTTP, which the other clients' answers are compared with. Throws if there is none. */
export async function reference(baseUrl: string, model: string = ROUTE, key = "none"): Promise<Told> {
  const response = await fetch(`${baseUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, ...question }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return toldOf(await response.json());
}

/** A whole answer in OpenAI's form. */
export function toldOf(answer: unknown): Told {
  const { choices, usage } = answer as ChatAnswer;
  const [choice] = choices;
  return { text: choice!.message.content, finish: choice!.finish_reason, usage: counted(usage) };
}

/** A stream's bytes in OpenAI's form. Throws if it does not end with `[DONE]`, or an event is not `data:` and JSON. */
export function streamedOf(bytes: string): Streamed {
  const data = events(bytes).map((event) => {
    const text = event.toString();
    if (!/^data: .*\n\n$/.test(text)) throw new Error(`Not one data line and a blank one: ${JSON.stringify(text)}`);
    return text.slice("data: ".length, -2);
  });
  if (data.pop() !== "[DONE]") throw new Error(`The stream has no [DONE]: ${bytes}`);
  return joined(data.map((text) => JSON.parse(text) as ChatChunk));
}

/** Chunks in OpenAI's form, joined. Throws if none tells why it ended, or none has usage. */
export function joined(chunks: readonly ChatChunk[]): Streamed {
  const deltas = chunks.flatMap(({ choices }) => choices);
  const pieces = deltas.map(({ delta }) => delta?.content ?? "").filter((text) => text !== "");
  const finish = deltas.map(({ finish_reason }) => finish_reason).findLast((reason) => reason != null);
  const usage = chunks.map((chunk) => chunk.usage).findLast((count) => count != null);
  if (finish == null || usage == null) throw new Error(`No finish reason or no usage: ${JSON.stringify(chunks)}`);
  return { text: pieces.join(""), finish, usage: counted(usage), pieces: pieces.length };
}

/** Holds that both answers say what `want` says, that it says something, and that the stream came in pieces. */
export function expectSame({ unary, stream }: Both, want: Told): void {
  expect(want.text.length).toBeGreaterThan(20);
  expect(want.usage.completion_tokens).toBeGreaterThan(0);
  expect(unary).toEqual(want);
  const { pieces, ...told } = stream;
  expect(told).toEqual(want);
  expect(pieces).toBeGreaterThan(1);
}

/** A stream's chunk as far as it is read here. */
export interface ChatChunk {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Told["usage"] | null;
}

interface ChatAnswer {
  readonly choices: readonly { readonly message: { readonly content: string }; readonly finish_reason: string }[];
  readonly usage: Told["usage"];
}

function counted({ prompt_tokens, completion_tokens, total_tokens }: Told["usage"]): Told["usage"] {
  return { prompt_tokens, completion_tokens, total_tokens };
}
