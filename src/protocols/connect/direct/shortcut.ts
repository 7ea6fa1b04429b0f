import type { DescMessage, Message } from "@bufbuild/protobuf";
import { Body } from "../../../core/body.ts";
import type { Call, Operation } from "../../../core/call.ts";
import type { GatewayError } from "../../../core/errors.ts";
import { isObject, type JsonObject } from "../../../core/json.ts";
import type { Running, Sink } from "../../../core/protocol.ts";
import { run } from "../../../core/run.ts";
import type { Door } from "../../../core/site.ts";
import { violationsOf } from "../../../dialects/proto/check.ts";
import { rulesOf } from "../../../dialects/proto/rules.ts";
import { replyWriter, requestReader } from "../../../dialects/proto/straight/straight.ts";
import { callOf, forStream } from "../call.ts";
import type { Caller } from "../caller.ts";
import { type Make, type Pieces, piecesOf } from "../pieces.ts";
import { servedJson } from "../served.ts";
import type { Form } from "./form.ts";
import { envelope, PREFIX_BYTES, sealed } from "./frames.ts";

/**
 * A method whose plain calls are served without messages: from the request's bytes to the common shape, and from that to the
 * answer's. What is not plain, or breaks a rule, goes the way of the messages, whose words a refusal has.
 */
export interface Shortcut {
  /** The request in the common shape, held to its rules; `undefined`: leave it to the messages. */
  read(binary: boolean, bytes: Buffer): JsonObject | undefined;
  /** Begins the call. Throws a `GatewayError`. */
  run(asked: JsonObject, to: Answering): void;
}

/** Where a call's answer goes. */
export interface Answering {
  readonly caller: Caller;
  readonly form: Form;
  readonly reply: { piece(frame: Buffer): boolean; free(then: () => void): void };
  /** The bytes of a message, for what is not plain. */
  frame(message: Message): Buffer;
  done(frame: Buffer | string): void;
  end(): void;
  fail(thrown: unknown): void;
}

/** What a shortcut is made of. */
export interface Ways {
  readonly op: Operation;
  /** The request; one for a stream holds the other's in its only field. */
  readonly request: DescMessage;
  readonly reply: DescMessage;
  readonly streams: boolean;
  /** The way of the messages. */
  readonly message: Make<Message>;
}

/** Makes the straight way between one method's messages and calls. */
export function shortcutOf(door: Door, { op, request, reply, streams, message }: Ways): Shortcut {
  const read = requestReader(request);
  const write = replyWriter(reply);
  const only = streams ? request.fields[0]! : undefined;
  const rules = rulesOf(only?.message ?? request);
  const frameOf = (to: Answering): Make<Buffer | string> => {
    const { binary, enveloped } = to.form;
    const ahead = enveloped ? PREFIX_BYTES : 0;
    return (json, call) => {
      const served = call && servedJson(call);
      if (binary) {
        const bytes = write.binary(json, served, ahead);
        if (bytes !== undefined) return enveloped ? sealed(bytes) : bytes;
      } else {
        const text = write.json(json, served);
        if (text !== undefined) return enveloped ? envelope(0, Buffer.from(text)) : text;
      }
      return to.frame(message(json, call));
    };
  };
  return {
    read(binary, bytes) {
      const json = read(binary, bytes);
      const asked = only && json ? json[only.name] : json;
      return isObject(asked) && violationsOf(rules, asked).length === 0 ? asked : undefined;
    },
    run(asked, to) {
      const { caller, form } = to;
      const body = Body.ofOwn(forStream(asked, streams));
      const call = callOf(door, form.protocol, caller, op, asked["model"] as string, body, streams);
      const make = frameOf(to);
      const sink = streams ? new Pieced(to, piecesOf(make as Make<Buffer>)) : new Whole(to, make);
      const running = run(call, sink, door.clock);
      sink.running = running;
      const over = (error: GatewayError) => {
        if (!caller.gone) running.stop(error);
        else {
          running.cancel();
          to.fail(error);
        }
      };
      caller.onEnd(over);
    },
  };
}

/** A unary method's end of a call. */
class Whole implements Sink {
  readonly raw = false;
  running: Running | undefined = undefined;
  private readonly to: Answering;
  private readonly make: Make<Buffer | string>;

  constructor(to: Answering, make: Make<Buffer | string>) {
    this.to = to;
    this.make = make;
  }

  reply(call: Call, body: Body): void {
    this.to.done(this.make(body.json, call));
  }
  fail(_: Call, error: GatewayError): void {
    this.to.fail(error);
  }
  /** The rest is never called: a whole answer was asked for. */
  head(): void {}
  data(): boolean {
    return true;
  }
  event(): boolean {
    return true;
  }
  end(): void {}
}

/** A streaming method's end of a call. */
class Pieced implements Sink {
  readonly raw = false;
  running: Running | undefined = undefined;
  private readonly to: Answering;
  private readonly pieces: Pieces<Buffer>;
  private paused = false;

  constructor(to: Answering, pieces: Pieces<Buffer>) {
    this.to = to;
    this.pieces = pieces;
  }

  event(json: JsonObject): boolean {
    for (const frame of this.pieces.next(json)) this.push(frame);
    return !this.paused;
  }
  end(call: Call): void {
    this.push(this.pieces.last(call));
    this.to.end();
  }
  fail(_: Call, error: GatewayError): void {
    this.to.fail(error);
  }
  head(): void {}
  /** The rest is never called: a stream of events was asked for. */
  reply(): void {}
  data(): boolean {
    return true;
  }

  private push(frame: Buffer): void {
    const { reply } = this.to;
    if (reply.piece(frame) || this.paused) return;
    this.paused = true;
    const free = () => {
      this.paused = false;
      this.running?.resume();
    };
    reply.free(free);
  }
}
