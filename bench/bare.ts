import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";

/**
 * The yardstick: the least that a Node program must do to forward a call. `node:http` in, undici's `dispatch` out, bytes
 * pushed on as they come; nothing is read, checked, counted or logged.
 *
 * `node bench/bare.ts ORIGIN` prints its port on the first line of stdout.
 */
const pool = new Pool(process.argv[2]!, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1, allowH2: false });

class Forward implements Dispatcher.DispatchHandler {
  private readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
  }
  onRequestStart(): void {}
  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const out = ["content-type", String(headers["content-type"])];
    if (headers["content-length"] !== undefined) out.push("content-length", String(headers["content-length"]));
    this.response.writeHead(status, out);
  }
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.response.write(chunk)) return;
    controller.pause();
    this.response.once("drain", () => controller.resume());
  }
  onResponseEnd(): void {
    this.response.end();
  }
  onResponseError(): void {
    this.response.destroy();
  }
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const headers = ["content-type", "application/json", "authorization", request.headers.authorization ?? ""];
    pool.dispatch({ method: "POST", path: request.url!, headers, body }, new Forward(response));
  });
}

const server = createServer({ noDelay: true, keepAliveTimeout: 75_000 }, forward);
server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : address}\n`);
});
