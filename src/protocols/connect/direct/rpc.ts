import { create, type DescMessage, type DescMethod, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Clock, Timer } from "../../../core/clock.ts";
import { errors, GatewayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { Inbound } from "../../../core/protocol.ts";
import type { Adapting } from "../adapter.ts";
import { shape } from "../boundary.ts";
import { Caller } from "../caller.ts";
import { fromThrown } from "../errors.ts";
import { refusePlainly } from "../plain-refusal.ts";
import { Pull } from "../pull.ts";
import { refuse } from "../refuse.ts";
import { check } from "../validate.ts";
import { Context } from "./context.ts";
import type { Form } from "./form.ts";
import { bufferOf, envelope, onlyMessage, PREFIX_BYTES } from "./frames.ts";
import type { Packing } from "./packing.ts";
import { Reply } from "./reply.ts";
import type { Shortcut } from "./shortcut.ts";

type Init = MessageInitShape<DescMessage>;

/** A method that is served directly: one message is asked with. */
export interface Served {
  readonly method: DescMethod;
  readonly run: (request: Message, context: HandlerContext) => Init | Promise<Init> | AsyncIterable<Init>;
  /** Messages in binary and in JSON; they throw `ConnectError`. */
  parse(binary: boolean, bytes: Uint8Array): Message;
  serialize(binary: boolean, message: Message): Uint8Array;
  readonly clock: Clock;
  maxBytes(): number;
  /** Neither rules nor reasons: errors are told as they were thrown. */
  readonly bare: boolean;
  /** For the JSON of an error's details. */
  readonly json: Adapting["json"];
  /** Absent: the method has none. */
  readonly shortcut: Shortcut | undefined;
  /** Serves what a body is that is not one message. */
  readonly otherwise: (caller: Caller, body: Buffer) => void;
}

/** One call, from its head to its answer. */
export class Rpc {
  private readonly served: Served;
  private readonly inbound: Inbound;
  readonly form: Form;
  readonly caller: Caller;
  readonly reply: Reply;
  private readonly packing: Packing;
  private readonly context: Context;
  private readonly limitBytes: number;
  private timer: Timer | undefined = undefined;
  private reading = true;

  /** @param limitMs The caller's deadline, in milliseconds from its start. */
  constructor(served: Served, inbound: Inbound, form: Form, packing: Packing, limitMs: number | undefined) {
    const caller = new Caller(inbound);
    const context = new Context(served.method, caller, form, limitMs, served.clock);
    this.served = served;
    this.inbound = inbound;
    this.form = form;
    this.packing = packing;
    this.caller = caller;
    this.context = context;
    this.reply = new Reply(caller, form, context, packing.reply, served.json);
    this.limitBytes = served.maxBytes();
    caller.onEnd((error) => this.stop(error));
    if (limitMs !== undefined) this.timer = this.due(limitMs);
    const { limitBytes } = this;
    const most = (form.text ? Math.ceil(limitBytes / 3) * 4 : limitBytes) + (form.enveloped ? PREFIX_BYTES : 0);
    inbound.collect(most, (error, bytes) => {
      if (error) this.stop(error.fault.reason === "BODY_TOO_LARGE" ? errors.bodyTooLarge(limitBytes) : error);
      else if (this.reading) this.collected(form.text ? Buffer.from(bytes.toString("latin1"), "base64") : bytes);
    });
  }

  private due(limitMs: number): Timer {
    const { clock } = this.served;
    const left = Math.max(0, this.inbound.started + limitMs - clock.now());
    return clock.after(left, () =>
      this.stop(errors.deadline("The caller's deadline passed before its request was complete.", "caller")),
    );
  }

  /** Ends a call whose request is not complete; later, that is up to the implementation. */
  private stop(error: GatewayError): void {
    if (!this.read()) return;
    if (this.caller.gone) this.inbound.error = error;
    else refuse(this.inbound, error, this.served.bare);
  }

  /** Nothing is waited for any more; false: it was so before. */
  private read(): boolean {
    const { reading, timer } = this;
    this.reading = false;
    if (timer !== undefined) this.served.clock.cancel(timer);
    this.timer = undefined;
    return reading;
  }

  private collected(body: Buffer): void {
    const { form, packing } = this;
    const { request: packer } = packing;
    let bytes = body;
    let packed = packer !== undefined;
    if (form.enveloped) {
      const one = onlyMessage(body);
      if (one === undefined || (one.packed && packer === undefined)) {
        this.read();
        this.served.otherwise(this.caller, body);
        return;
      }
      ({ bytes, packed } = one);
    }
    if (packed) {
      packer!.decompress(bytes, this.limitBytes).then(
        (message) => this.parsed(message),
        (thrown) => this.unreadable(thrown),
      );
    } else this.parsed(bytes);
  }

  private parsed(bytes: Uint8Array): void {
    const { served, form } = this;
    if (!this.reading) return;
    const asked = served.shortcut?.read(form.binary, bufferOf(bytes));
    if (asked !== undefined) {
      this.read();
      this.begin(asked);
      return;
    }
    let request: Message;
    try {
      request = served.parse(form.binary, bytes);
    } catch (thrown) {
      this.unreadable(thrown);
      return;
    }
    this.read();
    if (served.bare) {
      this.run(request);
      return;
    }
    try {
      const wait = check(served.method.input, request);
      if (wait === undefined) this.run(request);
      else
        wait.then(
          () => this.run(request),
          (thrown) => this.fail(thrown),
        );
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  private begin(asked: JsonObject): void {
    try {
      this.served.shortcut!.run(asked, this);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  private run(request: Message): void {
    const { served } = this;
    try {
      const result = served.run(request, this.context);
      if (served.method.methodKind === "server_streaming") this.stream(result as AsyncIterable<Init>);
      else if (result instanceof Promise) {
        result.then(
          (message) => this.whole(message),
          (thrown) => this.fail(thrown),
        );
      } else this.whole(result as Init);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  private whole(message: Init): void {
    try {
      this.done(this.frame(create(this.served.method.output, message)));
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** The whole answer, in its envelope where the form has one. */
  done(frame: Buffer | string): void {
    this.context.end();
    this.reply.whole(frame);
  }

  private stream(messages: AsyncIterable<Init>): void {
    if (!(messages instanceof Pull)) void this.pump(messages);
    else {
      const piece = (message: Message) => this.reply.piece(this.frame(message));
      const free = (then: () => void) => this.reply.free(then);
      const end = () => this.end();
      const fail = (error: GatewayError) => this.fail(error);
      messages.into({ piece, free, end, fail });
    }
  }

  /** Never rejects. */
  private async pump(messages: AsyncIterable<Init>): Promise<void> {
    const { output } = this.served.method;
    try {
      const iterator = messages[Symbol.asyncIterator]();
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        const more = this.reply.piece(this.frame(create(output, next.value)));
        if (!more) await new Promise<void>((resolve) => this.reply.free(resolve));
        if (!this.caller.gone) continue;
        await iterator.return?.();
        this.context.end();
        return;
      }
      this.end();
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** A message's bytes, in their envelope where the form has one. */
  frame(message: Message): Buffer {
    const { enveloped, binary } = this.form;
    let bytes: Uint8Array;
    try {
      bytes = this.served.serialize(binary, message);
    } catch (cause) {
      // Connect's error would read as one of the request.
      throw new Error("The answer cannot be written.", { cause });
    }
    return enveloped ? envelope(0, bytes) : bufferOf(bytes);
  }

  end(): void {
    this.context.end();
    this.reply.end();
  }

  /** Never throws: what fails to be told cuts the call. */
  fail(thrown: unknown): void {
    try {
      this.context.end();
      if (this.served.bare) this.reply.fail(asConnectError(thrown));
      else if (!this.failPlainly(thrown)) this.reply.fail(shape(thrown, this.caller));
    } catch {
      this.inbound.reset();
    }
  }

  /** Tells a failure as long as nothing was told; false: something was, or it takes more. */
  private failPlainly(thrown: unknown): boolean {
    if (!this.reply.untouched) return false;
    const error = fromThrown(thrown);
    this.inbound.error = error;
    return refusePlainly(this.inbound, this.form, error);
  }

  /** The body is no message. What the words say can quote the request, which is the caller's to read and not the log's. */
  private unreadable(thrown: unknown): void {
    if (!this.read()) return;
    this.fail(thrown);
    const { code } = asConnectError(thrown);
    this.inbound.error = fromThrown(new ConnectError("The request is not one message of its method", code));
  }
}

function asConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof GatewayError) return new ConnectError(thrown.message, thrown.row.grpc as Code);
  return new ConnectError("internal error", Code.Internal, undefined, undefined, thrown);
}
