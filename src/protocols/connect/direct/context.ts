import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, createContextValues, type HandlerContext } from "@connectrpc/connect";
import type { Clock, Timer } from "../../../core/clock.ts";
import { CALLER, type Caller } from "../caller.ts";
import { headersIn, speechOf } from "../headers.ts";
import type { Form } from "./form.ts";

/** What an implementation may ask of its call. Most ask nothing: each part is made when it is read. */
export class Context implements HandlerContext {
  readonly method: DescMethod;
  readonly requestMethod = "POST";
  /** What the implementation touched; `undefined`: it did not. */
  header: Headers | undefined = undefined;
  trailer: Headers | undefined = undefined;
  private readonly caller: Caller;
  private readonly form: Form;
  private readonly limitMs: number | undefined;
  private readonly clock: Clock;
  private asked: Headers | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private known: ContextValues | undefined = undefined;
  private over = false;

  /** @param limitMs The caller's deadline, in milliseconds from its start. */
  constructor(method: DescMethod, caller: Caller, form: Form, limitMs: number | undefined, clock: Clock) {
    this.method = method;
    this.caller = caller;
    this.form = form;
    this.limitMs = limitMs;
    this.clock = clock;
  }

  get service(): DescService {
    return this.method.parent;
  }
  get protocolName(): string {
    return this.form.protocol;
  }
  get url(): string {
    return `http://gateway${this.caller.inbound.path}?${this.caller.inbound.query}`;
  }
  get requestHeader(): Headers {
    const { inbound } = this.caller;
    this.asked ??= headersIn(inbound, speechOf(inbound.headers));
    return this.asked;
  }
  get responseHeader(): Headers {
    this.header ??= new Headers({ "content-type": this.form.type });
    return this.header;
  }
  get responseTrailer(): Headers {
    this.trailer ??= new Headers();
    return this.trailer;
  }
  get values(): ContextValues {
    this.known ??= createContextValues().set(CALLER, this.caller);
    return this.known;
  }
  get timeoutMs(): () => number | undefined {
    return () => this.left;
  }
  /** Aborted when the caller leaves, the gateway ends the call or the caller's deadline passes; and when the call is over. */
  get signal(): AbortSignal {
    if (this.controller) return this.controller.signal;
    const controller = new AbortController();
    this.controller = controller;
    this.caller.onEnd((error) => controller.abort(error));
    const { left } = this;
    if (this.over) controller.abort();
    else if (left !== undefined) {
      const late = () => controller.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
      this.timer = this.clock.after(Math.max(0, left), late);
    }
    return controller.signal;
  }

  /** The call is over. */
  end(): void {
    this.over = true;
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.controller?.abort();
  }

  private get left(): number | undefined {
    if (this.limitMs === undefined) return undefined;
    return Math.ceil(this.caller.inbound.started + this.limitMs - this.clock.now());
  }
}
