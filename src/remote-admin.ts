import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { adminMethod } from "./admin-methods.ts";
import type { Actor, AdminApi } from "./core/admin.ts";
import { asGatewayError, errors, type Fault, GatewayError } from "./core/errors.ts";
import { principalOf } from "./core/grants.ts";
import type { Grant } from "./core/principal.ts";

/** An actor as plain data. */
interface PlainActor {
  readonly name: string;
  readonly keyId: string;
  readonly grants: readonly Grant[];
  readonly remote: string;
  readonly requestId: string;
}

/** From a thread to the one that has the admin API. */
export type AdminQuestion =
  | {
      readonly kind: "call" | "stream";
      readonly id: number;
      readonly method: string;
      readonly request: Uint8Array;
      readonly actor: PlainActor;
    }
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "refused"; readonly method: string; readonly reason: string; readonly actor: PlainActor };

/** Back to that thread. `message`: the answer, or one of a stream; then `end` or `failed`. */
export type AdminAnswer =
  | { readonly kind: "message"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly message: string; readonly fault: Fault };

/** The admin API, asked of another thread. */
export class RemoteAdmin implements AdminApi {
  private readonly ask: (question: AdminQuestion) => void;
  private readonly waiting = new Map<number, (answer: AdminAnswer) => void>();
  private next = 1;

  constructor(ask: (question: AdminQuestion) => void) {
    this.ask = ask;
  }

  /** Takes what the other thread answers. */
  take(answer: AdminAnswer): void {
    this.waiting.get(answer.id)?.(answer);
  }

  async call(method: string, request: object, actor: Actor): Promise<object> {
    const { output } = adminMethod(method);
    for await (const bytes of this.answers("call", method, request, actor, undefined)) return fromBinary(output, bytes);
    throw errors.storeUnavailable("The gateway is stopping; try again.");
  }

  async *stream(method: string, request: object, actor: Actor, signal: AbortSignal): AsyncIterable<object> {
    const { output } = adminMethod(method);
    for await (const bytes of this.answers("stream", method, request, actor, signal)) yield fromBinary(output, bytes);
  }

  refused(method: string, reason: string, actor: Actor): void {
    this.ask({ kind: "refused", method, reason, actor: plainActor(actor) });
  }

  private async *answers(
    kind: "call" | "stream",
    method: string,
    request: object,
    actor: Actor,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const id = this.next++;
    const queue: AdminAnswer[] = [];
    let wake = Promise.withResolvers<void>();
    this.waiting.set(id, (answer) => {
      queue.push(answer);
      wake.resolve();
    });
    const abort = () => this.ask({ kind: "abort", id });
    signal?.addEventListener("abort", abort);
    let over = false;
    try {
      const bytes = toBinary(adminMethod(method).input, request as Message);
      this.ask({ kind, id, method, request: bytes, actor: plainActor(actor) });
      if (signal?.aborted) abort();
      for (;;) {
        const answer = queue.shift();
        if (answer === undefined) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
          continue;
        }
        over = answer.kind !== "message";
        if (answer.kind === "message") yield answer.bytes;
        else if (answer.kind === "failed") throw new GatewayError(answer.message, answer.fault);
        else return;
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      this.waiting.delete(id);
      if (!over && kind === "stream") abort();
    }
  }
}

/** Answers one other thread's questions by the admin API. */
export class AdminAnswers {
  private readonly api: () => AdminApi | undefined;
  private readonly answer: (answer: AdminAnswer) => void;
  private readonly streams = new Map<number, AbortController>();

  constructor(api: () => AdminApi | undefined, answer: (answer: AdminAnswer) => void) {
    this.api = api;
    this.answer = answer;
  }

  take(question: AdminQuestion): void {
    if (question.kind === "abort") this.streams.get(question.id)?.abort();
    else if (question.kind === "refused") {
      this.api()?.refused(question.method, question.reason, actorOf(question.actor));
    } else void this.run(question);
  }

  /** The other thread is gone. */
  close(): void {
    for (const stream of this.streams.values()) stream.abort();
  }

  private async run({
    kind,
    id,
    method,
    request,
    actor,
  }: Extract<AdminQuestion, { kind: "call" | "stream" }>): Promise<void> {
    const stream = new AbortController();
    this.streams.set(id, stream);
    try {
      const api = this.api();
      if (!api) throw errors.operationUnsupported("This gateway has no admin API.");
      const { input, output } = adminMethod(method);
      const asked = fromBinary(input, request);
      const tell = (message: object) =>
        this.answer({ kind: "message", id, bytes: toBinary(output, message as Message) });
      if (kind === "call") tell(await api.call(method, asked, actorOf(actor)));
      else for await (const one of api.stream(method, asked, actorOf(actor), stream.signal)) tell(one);
      this.answer({ kind: "end", id });
    } catch (thrown) {
      const { message, fault } = asGatewayError(thrown);
      this.answer({ kind: "failed", id, message, fault });
    } finally {
      this.streams.delete(id);
    }
  }
}

function plainActor({ principal: { name, keyId, grants }, remote, requestId }: Actor): PlainActor {
  return { name, keyId, grants, remote, requestId };
}

function actorOf({ name, keyId, grants, remote, requestId }: PlainActor): Actor {
  return { principal: principalOf(name, keyId, grants), remote, requestId };
}
