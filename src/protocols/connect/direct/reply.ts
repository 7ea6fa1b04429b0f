import { Code, ConnectError } from "@connectrpc/connect";
import { type Compression, mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, endStreamToJson, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { asGatewayError } from "../../../core/errors.ts";
import type { FlatHeaders } from "../../../core/protocol.ts";
import type { Adapting } from "../adapter.ts";
import type { Caller } from "../caller.ts";
import { headersOut } from "../headers.ts";
import type { Context } from "./context.ts";
import type { Form } from "./form.ts";
import { bufferOf, envelope, LAST, PACKED, PREFIX_BYTES } from "./frames.ts";
import { MIN_PACKED_BYTES } from "./packing.ts";

const DONE: FlatHeaders = ["grpc-status", "0"];
/** How a stream ends that was whole and has no trailers of its own. */
const WHOLE = {
  connect: envelope(LAST.connect, Buffer.from("{}")),
  "grpc-web": envelope(LAST["grpc-web"], Buffer.from("grpc-status: 0\r\n")),
};

/** Pieces that may wait to be packed: to hold the provider back for each costs more than to keep a few. */
const MAX_WAITING = 16;

/** One call's answer, in the form that the caller speaks: `whole`, or any number of `piece` and then `end`, or `fail`. */
export class Reply {
  private readonly caller: Caller;
  private readonly form: Form;
  private readonly context: Context;
  private readonly packer: Compression | undefined;
  private readonly json: Adapting["json"];
  private opened = false;
  /** Pieces that wait while one is packed, and what comes after them. */
  private waiting: Buffer[] | undefined = undefined;
  private last: (() => void) | undefined = undefined;
  private freed: (() => void) | undefined = undefined;

  constructor(caller: Caller, form: Form, context: Context, packer: Compression | undefined, json: Adapting["json"]) {
    this.json = json;
    this.caller = caller;
    this.form = form;
    this.context = context;
    this.packer = packer;
  }

  /** Nothing was told yet, nor put into a header or trailer. */
  get untouched(): boolean {
    const { header, trailer } = this.context;
    return !this.opened && this.waiting === undefined && header === undefined && trailer === undefined;
  }

  /** The one message of a unary method, in its envelope where the form has one. */
  whole(frame: Buffer | string): void {
    const { packer, form } = this;
    if (packer === undefined) this.send(frame, false);
    else {
      const bytes = typeof frame === "string" ? Buffer.from(frame) : frame;
      const message = form.enveloped ? bytes.subarray(PREFIX_BYTES) : bytes;
      if (message.length < MIN_PACKED_BYTES) this.send(bytes, false);
      else {
        packer
          .compress(message)
          .then((packed) => this.send(form.enveloped ? envelope(PACKED, packed) : bufferOf(packed), true))
          .catch((cause: unknown) => this.unpackable(cause));
      }
    }
  }

  /** A message of a stream, in its envelope. False: stop until `free` calls. */
  piece(frame: Buffer): boolean {
    this.open();
    if (this.waiting) this.waiting.push(frame);
    else if (this.packer === undefined || frame.length - PREFIX_BYTES < MIN_PACKED_BYTES) return this.write(frame);
    else {
      this.waiting = [frame];
      this.pack(this.packer).catch((cause: unknown) => this.unpackable(cause));
    }
    return this.waiting.length < MAX_WAITING;
  }

  /** Calls `then` once, when there is room for another piece or the caller has left. */
  free(then: () => void): void {
    if (this.waiting) this.freed = then;
    else this.caller.onFree(then);
  }

  /** The stream is whole. */
  end(): void {
    if (this.waiting) this.last = () => this.end();
    else if (this.form.protocol === "grpc") this.close(this.trailers());
    else this.closeWith(this.lastFrame());
  }

  /** The call failed, before or after its first piece. */
  fail(error: ConnectError): void {
    const { form, context } = this;
    if (this.waiting) this.last = () => this.fail(error);
    else if (!form.enveloped) this.refuse(error);
    else if (form.protocol === "connect") {
      const end = endStreamToJson(context.responseTrailer, error, this.json);
      this.closeWith(envelope(LAST.connect, Buffer.from(JSON.stringify(end))));
    } else {
      setTrailerStatus(context.responseTrailer, error);
      if (form.protocol === "grpc") this.close(headersOut(context.trailer));
      else this.closeWith(envelope(LAST["grpc-web"], trailerSerialize(context.responseTrailer)));
    }
  }

  private send(frame: Buffer | string, packed: boolean): void {
    const { form, caller, context, packer } = this;
    const { inbound } = caller;
    const headers = this.headers();
    if (form.protocol === "grpc") inbound.send(200, headers, frame, this.trailers());
    else if (form.enveloped) inbound.send(200, headers, this.bytes(bufferOf(frame), this.lastFrame()));
    else {
      if (packed) headers.push(form.encoding, packer!.name);
      context.trailer?.forEach((value, name) => {
        headers.push(`trailer-${name}`, value);
      });
      inbound.send(200, headers, frame);
    }
  }

  /** A failure of Connect's unary form. */
  private refuse(error: ConnectError): void {
    const { responseHeader, trailer } = this.context;
    responseHeader.set("content-type", "application/json");
    if (!error.isWireError) mergeNonProtocolHeaders(responseHeader, error.metadata);
    const headers = this.headers();
    trailer?.forEach((value, name) => {
      headers.push(`trailer-${name}`, value);
    });
    this.caller.inbound.send(codeToHttpStatus(error.code), headers, Buffer.from(errorToJsonBytes(error, this.json)));
  }

  /** Ends gRPC's form: by its headers alone when nothing else was said. */
  private close(trailers: FlatHeaders): void {
    const { inbound } = this.caller;
    if (!this.opened && this.context.header === undefined) {
      inbound.send(200, [...this.headers(), ...trailers], "");
      return;
    }
    this.open();
    inbound.close(trailers);
  }

  private closeWith(frame: Buffer): void {
    const { inbound } = this.caller;
    if (!this.opened) inbound.send(200, this.headers(), this.bytes(frame));
    else {
      this.write(frame);
      inbound.close();
    }
  }

  private open(): void {
    if (this.opened) return;
    this.opened = true;
    this.caller.inbound.open(200, this.headers(), this.form.protocol === "grpc");
  }

  private write(frame: Buffer): boolean {
    return this.caller.inbound.write(this.bytes(frame));
  }

  private bytes(...frames: Buffer[]): Buffer | string {
    const all = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    return this.form.text ? all.toString("base64") : all;
  }

  private headers(): string[] {
    const { form, context, packer } = this;
    const { header } = context;
    const { always, call } = this.caller.inbound;
    const headers = header ? headersOut(header, always) : ["content-type", form.type];
    if (call?.plan.notice !== undefined) headers.push(...call.plan.notice);
    if (packer && form.enveloped) headers.push(form.encoding, packer.name);
    return headers;
  }

  private trailers(): FlatHeaders {
    const { trailer } = this.context;
    return trailer ? [...DONE, ...headersOut(trailer)] : DONE;
  }

  private lastFrame(): Buffer {
    const { form, context } = this;
    const { trailer } = context;
    const protocol = form.protocol === "connect" ? "connect" : "grpc-web";
    if (trailer === undefined) return WHOLE[protocol];
    if (protocol === "connect") {
      return envelope(LAST.connect, Buffer.from(JSON.stringify(endStreamToJson(trailer, undefined, undefined))));
    }
    trailer.set("grpc-status", "0");
    return envelope(LAST["grpc-web"], trailerSerialize(trailer));
  }

  /** Sends what waits, in its order, each piece packed if it is large enough. */
  private async pack(packer: Compression): Promise<void> {
    const { caller } = this;
    for (let next = this.waiting!.shift(); next && !caller.gone; next = this.waiting!.shift()) {
      const message = next.subarray(PREFIX_BYTES);
      const packs = message.length >= MIN_PACKED_BYTES;
      const frame = packs ? envelope(PACKED, await packer.compress(message)) : next;
      if (!this.write(frame)) await caller.drain();
    }
    this.waiting = undefined;
    const { freed, last } = this;
    this.freed = undefined;
    last?.();
    freed?.();
  }

  private unpackable(cause: unknown): void {
    const { inbound } = this.caller;
    this.waiting = undefined;
    inbound.error ??= asGatewayError(cause);
    if (inbound.status !== 0) inbound.reset();
    else this.fail(new ConnectError("internal error", Code.Internal, undefined, undefined, cause));
  }
}
