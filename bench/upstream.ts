import { createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { ANTHROPIC_REPLY, OPENAI_REPLY, sseEvents } from "./replies.ts";

/**
 * A model server that costs next to nothing: answers made beforehand, over raw sockets. The question says which one:
 * `"stream": true` asks for `max_tokens` events, a question of more than 16 KB gets an answer of 32 KB, `/v1/messages` is
 * answered as Anthropic does. `"user": "burst"` gets all events in one write, `"user": "immediate"` one each turn of the
 * event loop; otherwise each stream gets an event every 4 ms, so that no two of one stream arrive together.
 *
 * `node bench/upstream.ts [--port N]` prints its port on the first line of stdout.
 */

const HEAD_END = Buffer.from("\r\n\r\n");
const LARGE_QUESTION = 16 * 1024;
const TICK_MS = 1;
/** Streams take turns: each is due every `PHASES` ticks. */
const PHASES = 4;

const SSE_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/** One stream under way. */
interface Stream {
  readonly socket: Socket;
  readonly events: readonly Buffer[];
  readonly done: () => void;
  next: number;
}

const phases: Stream[][] = Array.from({ length: PHASES }, () => []);
let phase = 0;
let turn = 0;

function tick(): void {
  phase = (phase + 1) % PHASES;
  const due = phases[phase]!;
  for (let i = due.length - 1; i >= 0; i--) if (!step(due[i]!)) due.splice(i, 1);
}

/** Writes the next event; false: it was the last, or nobody reads. */
function step(stream: Stream): boolean {
  if (stream.socket.destroyed) return false;
  stream.socket.write(stream.events[stream.next++]!);
  if (stream.next < stream.events.length) return true;
  stream.done();
  return false;
}

function serve(socket: Socket): void {
  let held: Buffer | undefined;
  let busy = false;
  const look = () => {
    if (busy || held === undefined) return;
    const end = held.indexOf(HEAD_END);
    if (end < 0) return;
    const head = held.toString("latin1", 0, end).toLowerCase();
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
    const whole = end + 4 + length;
    if (held.length < whole) return;
    const body = held.subarray(end + 4, whole);
    held = held.length > whole ? held.subarray(whole) : undefined;
    busy = true;
    answer(socket, head, body, () => {
      busy = false;
      look();
    });
  };
  socket.setNoDelay(true);
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    held = held === undefined ? chunk : Buffer.concat([held, chunk]);
    look();
  });
}

function answer(socket: Socket, head: string, body: Buffer, done: () => void): void {
  const large = body.length > LARGE_QUESTION;
  const text = large ? "" : body.toString("latin1");
  if (head.startsWith("post /v1/messages ")) reply(ANTHROPIC_REPLY.small);
  else if (!/"stream" *: *true/.test(text)) reply(large ? OPENAI_REPLY.large : OPENAI_REPLY.small);
  else stream(text);

  function reply(bytes: Buffer): void {
    socket.write(bytes);
    done();
  }
  function stream(question: string): void {
    const events = sseEvents(Number(/"max_tokens" *: *(\d+)/.exec(question)?.[1] ?? 16));
    if (question.includes('"burst"')) {
      reply(Buffer.concat([Buffer.from(SSE_HEAD), ...events]));
      return;
    }
    socket.write(SSE_HEAD);
    const one: Stream = { socket, events, done, next: 0 };
    if (question.includes('"immediate"')) {
      const again = () => step(one) && setImmediate(again);
      setImmediate(again);
    } else phases[turn++ % PHASES]!.push(one);
  }
}

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const server = createServer(serve);
server.listen({ host: "127.0.0.1", port: Number(values.port), backlog: 1024 }, () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : address}\n`);
});
setInterval(tick, TICK_MS);
