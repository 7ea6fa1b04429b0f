/**
 * The server that the conformance runner starts, once for each of its server configs: the gateway's own listener, router
 * and adapter, with ConformanceService as their only service. Reads one `ServerCompatRequest` from stdin, writes one
 * `ServerCompatResponse` to stdout, and ends with SIGTERM. Run it as `test/conformance/README.md` says.
 */
import { randomUUID } from "node:crypto";
import { create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createConnectRouter } from "@connectrpc/connect";
import { realClock } from "../../src/net/clock.ts";
import { LISTEN_DEFAULTS, listen } from "../../src/net/listen.ts";
import { OpenSet } from "../../src/net/open.ts";
import { Router } from "../../src/net/router.ts";
import { endpointsOf } from "../../src/protocols/connect/adapter.ts";
import { compressions } from "../../src/protocols/connect/compression.ts";
import { refusePath } from "../../src/protocols/connect/refuse.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.js";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.js";
import { conformance } from "./service.ts";

const UNLIMITED = 64 * 1024 * 1024;

const asked = fromBinary(ServerCompatRequestSchema, await readSized());
const limit = asked.messageReceiveLimit || UNLIMITED;
const packers = compressions(() => limit);
const json = { registry: createRegistry(ConformanceService.file) };
const { handlers } = createConnectRouter({
  acceptCompression: packers,
  readMaxBytes: limit,
  jsonOptions: json,
}).service(ConformanceService, conformance);
const adapting = { clock: realClock, maxBytes: () => limit, bare: true, packers, json };
const router = new Router([
  {
    prefix: "",
    endpoints: handlers.flatMap((handler) => endpointsOf(handler, conformance, adapting, "open")),
    refuse: (inbound, error) => refusePath(inbound, error, true),
  },
]);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const tls = asked.useTls
  ? {
      cert: text(asked.serverCreds!.cert),
      key: text(asked.serverCreds!.key),
      clientCa: asked.clientTlsCert.length > 0 ? text(asked.clientTlsCert) : undefined,
    }
  : undefined;
const { port } = await listen(
  { ...LISTEN_DEFAULTS, host: "127.0.0.1", port: 0, tls },
  {
    clock: realClock,
    newId: randomUUID,
    open: new OpenSet(),
    handle: (inbound) => router.route(inbound),
    refuse: (inbound, error) => router.refuse(inbound, error),
    finished: () => {},
  },
);
const told = create(ServerCompatResponseSchema, {
  host: "127.0.0.1",
  port,
  ...(asked.serverCreds && asked.useTls && { pemCert: asked.serverCreds.cert }),
});
const bytes = toBinary(ServerCompatResponseSchema, told);
const size = Buffer.alloc(4);
size.writeUInt32BE(bytes.length);
process.stdout.write(Buffer.concat([size, bytes]));
process.on("SIGTERM", () => process.exit(0));

/** One message that follows its length in four bytes, the largest first. */
async function readSized(): Promise<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    held = Buffer.concat([held, chunk as Buffer]);
    if (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) break;
  }
  return held.subarray(4, 4 + held.readUInt32BE(0));
}
