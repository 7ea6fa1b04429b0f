import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { H2Session } from "./load-h2.ts";

/** What is asked, how often, and over how many connections. */
export interface Job {
  readonly port: number;
  /** The bytes of one request. HTTP/2: its frames, which `frames` of `load-h2.ts` makes. */
  readonly request: Buffer;
  readonly http2: boolean;
  readonly connections: number;
  /** Calls at once on each connection; 1 for HTTP/1.1. */
  readonly streams: number;
  readonly count: number;
  /** The status that every answer must have, 0 for any; gRPC: 200, and a message in the answer. */
  readonly status: number;
}

/** What came of it. */
export interface Done {
  readonly answers: number;
  readonly seconds: number;
  /** Reads that carried answers: fewer than the pieces sent means that pieces arrived together. */
  readonly reads: number;
  /** The last answer's status; 0 over HTTP/2. */
  readonly status: number;
}

/** Longest time of one job. A job that takes longer fails. */
const MAX_MS = 60_000;

/** What the connections of a job share. */
export class Tally {
  left: number;
  answers = 0;
  reads = 0;
  status = 0;
  private readonly want: number;
  private readonly settled = Promise.withResolvers<void>();

  constructor(count: number) {
    this.left = count;
    this.want = count;
  }
  get over(): Promise<void> {
    return this.settled.promise;
  }
  /** Takes one request of those that are left. */
  take(): boolean {
    return this.left-- > 0;
  }
  answered(): void {
    if (++this.answers === this.want) this.settled.resolve();
  }
  fail(why: string): void {
    this.settled.reject(new Error(why));
  }
}

/** Sends `count` requests in a closed loop: each connection asks again when it was answered. Loopback only. */
export async function load(job: Job): Promise<Done> {
  const tally = new Tally(job.count);
  const connections = Array.from({ length: Math.min(job.connections, job.count) }, () =>
    job.http2 ? new H2Session(job, tally) : new H1Connection(job, tally),
  );
  const timer = setTimeout(() => tally.fail(`${tally.answers} of ${job.count} answers in ${MAX_MS} ms`), MAX_MS);
  try {
    await Promise.all(connections.map((one) => one.ready));
    const started = performance.now();
    for (const one of connections) one.begin();
    await tally.over;
    const seconds = (performance.now() - started) / 1000;
    return { answers: tally.answers, seconds, reads: tally.reads, status: tally.status };
  } finally {
    clearTimeout(timer);
    for (const one of connections) one.close();
  }
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** One keep-alive connection that asks one question after the other. A server that closes it gets a new one. */
class H1Connection {
  ready: Promise<unknown>;
  private readonly job: Job;
  private readonly tally: Tally;
  private socket: Socket;
  private held: Buffer | undefined = undefined;
  /** Bytes of the body still to come; -1: until the last chunk; `undefined`: the head is not whole. */
  private left: number | undefined = undefined;
  private busy = false;
  private ended = false;

  constructor(job: Job, tally: Tally) {
    this.job = job;
    this.tally = tally;
    this.socket = this.open();
    this.ready = once(this.socket, "connect");
  }

  begin(): void {
    this.busy = this.tally.take();
    if (this.busy) this.socket.write(this.job.request);
  }

  close(): void {
    this.ended = true;
    this.socket.destroy();
  }

  private open(): Socket {
    const socket = connect({ host: "127.0.0.1", port: this.job.port, noDelay: true });
    socket.on("data", (chunk) => this.data(chunk));
    socket.on("error", (error) => this.ended || this.tally.fail(String(error)));
    socket.on("close", () => {
      if (this.ended) return;
      if (this.busy) this.tally.fail("the connection was closed before the answer was whole");
      else this.again();
    });
    return socket;
  }

  /** After an answer that ends its connection, as some refusals do. */
  private again(): void {
    if (this.tally.left <= 0) return;
    this.socket = this.open();
    this.socket.once("connect", () => this.begin());
  }

  private data(chunk: Buffer): void {
    const { tally } = this;
    tally.reads++;
    let body = chunk;
    if (this.left === undefined) {
      const all = this.held === undefined ? chunk : Buffer.concat([this.held, chunk]);
      const end = all.indexOf(HEAD_END);
      if (end < 0) {
        this.held = all;
        return;
      }
      this.held = undefined;
      body = all.subarray(end + 4);
      this.head(all, end);
    }
    if (this.left === -1) {
      if (!body.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) return;
    } else {
      this.left! -= body.length;
      if (this.left! > 0) return;
    }
    this.left = undefined;
    tally.answered();
    this.busy = false;
    if (!this.socket.writableEnded && !this.closing) this.begin();
  }

  private closing = false;

  private head(all: Buffer, end: number): void {
    const head = all.toString("latin1", 0, end);
    const { status } = this.job;
    this.tally.status = Number(head.slice(9, 12));
    if (status !== 0 && status !== this.tally.status) {
      this.tally.fail(`answered ${this.tally.status}, not ${status}: ${all.toString("utf8", end + 4, end + 204)}`);
    }
    this.closing = /\r\nconnection: close/i.test(head);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    this.left = length ? Number(length[1]) : -1;
  }
}
