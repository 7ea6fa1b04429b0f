import type { Body } from "./body.ts";
import type { Call, Dialect, Operation, Usage } from "./call.ts";
import type { Clock } from "./clock.ts";
import type { GatewayError } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";
import type { StreamListener } from "./sse.ts";

/** What may be there at once: only a promise is awaited, so what needs no waiting costs none. */
export type Maybe<T> = T | Promise<T>;

/** Lower-case names; a repeated header is a list. */
export type ReplyHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What is sent to a provider. */
export interface Outgoing {
  /** POST when absent. Of GET the body is left out. */
  readonly method?: "GET";
  /** Path with query, from the origin's root. */
  readonly path: string;
  /** Flat name, value, name, value; built at load where it can be. `content-length` is added. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Why an exchange failed on its way; never the provider's own words. */
export type Breakage = "connect" | "connect_timeout" | "broken" | "refused";

/**
 * Takes a provider's answer, pushed. After `onEnd` or `onBreak` nothing more is called; after `abort()` nothing at all.
 */
export interface Receiver {
  onHead(status: number, headers: ReplyHeaders): void;
  onData(chunk: Buffer): void;
  /** The answer is whole. `framed` is false when only the close of the connection said so. */
  onEnd(framed: boolean): void;
  onBreak(why: Breakage, cause: unknown): void;
}

/** Holds of a running exchange. */
export interface Controls {
  /** No more `onData` until `resume`, but for what was read already; the provider's socket fills and it waits. */
  pause(): void;
  resume(): void;
  /** Ends the exchange and closes the provider's socket at once. */
  abort(): void;
}

/**
 * Sends and receives: over the network (`net/send`), or within the process (the simulator).
 * It calls the receiver only after it has returned, and never throws.
 */
export type Exchange = (outgoing: Outgoing, receiver: Receiver) => Controls;

/**
 * How the answers of a provider are read whose words are not the common shape (`docs/common-shape.md`). It holds no state of a
 * call: what a stream needs is made by `stream`.
 */
export interface Reading {
  /** Media type of its streams beside `text/event-stream`, in lower case and without parameters. */
  readonly streamType?: string;
  /** A whole reply in the common shape. Throws `GatewayError` when it is no answer; a top-level `error` never comes here. */
  reply(call: Call, json: Readonly<JsonObject>, headers?: ReplyHeaders): JsonObject;
  /** Reads one stream; absent: it has none, and `encode` refuses to ask for one. */
  stream?(call: Call, on: StreamListener, headers?: ReplyHeaders): StreamDecoder;
}

/**
 * Takes the bytes of one stream, cut anywhere, and tells its listener of events in the common shape. What it throws ends the
 * call. `core/frames.ts` has what reads server-sent events and lines.
 */
export interface StreamDecoder {
  push(chunk: Buffer): void;
  /** The provider's bytes are over. True: they were cut within an event, and nothing was told of it. */
  finish(): boolean;
  /** Nothing more is to be told. */
  stop(): void;
}

/**
 * One provider's model at the other end: bytes in, bytes out. It has no socket, no clock and no environment, so a test
 * needs none of them. Everything that does not change from call to call was worked out in `open`.
 */
export interface Upstream {
  /** Scheme, host and port; `undefined` when `exchange` answers within the process. */
  readonly origin: string | undefined;
  readonly exchange?: Exchange;
  /** The dialect it speaks for each operation; an absent operation is one it does not have. */
  readonly speaks: { readonly [op in Operation]?: Dialect };
  /** How its answers are read, for each operation that does not answer in the common shape's own bytes. */
  readonly reads?: { readonly [op in Operation]?: Reading };
  /**
   * The request to send. Throws `GatewayError` when the call cannot be said in the provider's words. What is not sent as it was
   * asked is told by `call.adjust`.
   */
  encode(call: Call, body: Body, model: string): Maybe<Outgoing>;
  /** The request that asks how many tokens a chat's input is; absent: it cannot tell. */
  counts?(call: Call, body: Body, model: string): Maybe<Outgoing>;
  /** How many the answer to that tells; absent: its `input_tokens`. */
  counted?(json: Readonly<JsonObject>): Json | undefined;
  /** How a long request for predictions is cut; absent: it is not. */
  readonly batches?: Batching;
  /** Tokens of a whole reply or of a stream's event, in the common shape. */
  usage(json: JsonObject): Usage | undefined;
  /** The provider's own refusal, by the error table. `body` is at most 64 KiB of what it said. */
  fault(status: number, headers: ReplyHeaders, body: Buffer): GatewayError;
}

/** Some rows of a request. */
export interface Part {
  readonly body: Body;
  /** Rows of the request that stand before its own. */
  readonly firstRow: number;
  readonly rows: number;
}

/** How a provider's requests for predictions are cut, and what it answers to the parts is put together. */
export interface Batching {
  /** `undefined`: it has no more rows than `maxRows`, or has none that can be told apart. Throws what is wrong with the request. */
  split(body: Body, maxRows: number): readonly Part[] | undefined;
  /** Throws UPSTREAM_FAILED when an answer is not one prediction for each row. */
  join(replies: readonly Body[], parts: readonly Part[]): Body;
}

/** A version of a registered model, as its registry tells of it. */
export interface ServedVersion {
  readonly model: string;
  readonly version: string;
  /** What stands before `/invocations`. */
  readonly url: string;
  /** Where else it is served: instances of the same version; absent: nowhere. */
  readonly more?: readonly string[];
  /** Who said where it is served: the operator's file, or a tag that came over the network. */
  readonly by: "file" | "tag";
  /** JSON of the inputs in the model's signature; `undefined`: it has none that can be read. */
  readonly inputs: string | undefined;
}

/** What an extension is given to work with. */
export interface Tools {
  readonly clock: Clock;
  /** Calendar time, milliseconds since 1970. */
  wallNow(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /**
   * Sends to another origin than the provider's own, as for a token, under the same rules of egress. Absent where settings are
   * only looked at.
   */
  readonly dial?: (origin: string) => Exchange;
  /** What would be sent is only looked at: nobody is asked for a credential that is lent, and `***` stands in its place. */
  readonly standIn?: true;
  /** For a model that is named as MLflow's registry names it: what the registry says of it now. */
  readonly served?: ServedVersion;
  /** The settings came over the network: credentials that the process itself has, its files among them, are not theirs. */
  readonly stranger?: true;
  /** A variable of the process's environment, where a provider's own tools read a default, such as `AWS_REGION`. */
  readonly env?: (name: string) => string | undefined;
}

/** What of a model's config entry a provider needs to know beside its own settings. */
export interface ModelEntry {
  readonly name: string;
  readonly routeType: string;
}

/** One problem of an extension's settings; `path` is relative to them, such as `keys[1].name`. */
export interface SettingsProblem {
  readonly path: string;
  readonly message: string;
  /** True: told, and the settings are used all the same. */
  readonly warning?: boolean;
}

/**
 * A kind of provider: one folder under `providers/`, whose `index.ts` exports this as `provider`. Its settings are its own
 * proto message, in `v1/settings.proto` beside it.
 */
export interface Provider<Settings> {
  readonly kind: string;
  /** Descriptor of `Settings`, a protobuf-es `DescMessage`. */
  readonly settings: unknown;
  /** The model's name where the config gives none; absent: there is none to fall back on. */
  readonly defaultModel?: string;
  /** Whether its models may be named as MLflow's registry names them; then `Tools.served` says where they are. */
  readonly registered?: true;
  /** Rules between fields; every problem, none when all is well. */
  check?(settings: Settings, model: ModelEntry): readonly SettingsProblem[];
  open(settings: Settings, tools: Tools): Upstream;
}
