import { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** Takes a body as it comes. */
export interface Taker {
  chunk(bytes: Buffer): void;
  /** It is whole. */
  end(): void;
  /** The connection is gone, and the body not whole. */
  gone(): void;
}

/**
 * A request whose body may be taken as it comes from the parser, past the stream that it is as well: what a stream does for two
 * events, `data` and `end`, takes 3 us a call. Who takes a body does not hold it back. Who listens to the stream gets it, too.
 *
 * The parser hands over pieces, and `null` as the end, by `push`, and the server asks for `readableEnded` once the answer is out.
 */
export class Incoming extends IncomingMessage {
  private taker: Taker | undefined = undefined;
  /** Something of it, or its end, is in the stream. */
  private came = false;
  /** The taker has it all. */
  whole = false;

  /**
   * From now on pieces go to `taker`, at once. False: some came before, or the end did; those are in the stream, and the others
   * will be.
   */
  feed(taker: Taker): boolean {
    if (this.came || this.destroyed) return false;
    this.taker = taker;
    // Somebody reads: what nobody reads is thrown away by the server once the answer is out.
    this._read(0);
    return true;
  }

  override push(chunk: Buffer | null): boolean {
    const { taker } = this;
    if (taker === undefined) {
      this.came = true;
      return super.push(chunk);
    }
    const isHeard = this.listenerCount("data") > 0;
    if (chunk !== null) taker.chunk(chunk);
    else {
      this.taker = undefined;
      this.whole = true;
      taker.end();
    }
    return isHeard ? super.push(chunk) : true;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { taker } = this;
    this.taker = undefined;
    super._destroy(error, done);
    taker?.gone();
  }
}

/** Whether the stream has come to its end. */
const ended = Object.getOwnPropertyDescriptor(Readable.prototype, "readableEnded")!;
// Not in the class: TypeScript takes it for a property, which no accessor may stand in for.
Object.defineProperty(Incoming.prototype, "readableEnded", {
  configurable: true,
  get(this: Incoming): boolean {
    return this.whole || (ended.get!.call(this) as boolean);
  },
});
