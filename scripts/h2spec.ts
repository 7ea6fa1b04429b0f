/**
 * Holds the main port to HTTP/2: `node scripts/h2spec.ts PATH_OF_H2SPEC`. A bare `node:http2` server is asked at the same time, and
 * so is the port under TLS. Ends with 1 when a case fails that the bare server passes, or when h2spec did not run all of its cases.
 *
 * All three answer after a while: h2spec sends what is wrong while its request should be open, and nghttp2 ignores what comes on
 * a stream that was answered and closed before. Of a server that answers at once, bare or not, every fifth try of such cases fails.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inbound } from "../src/core/protocol.ts";
import { selfSigned } from "../test/support/certificate.ts";
import { openDoor, siteOf } from "../test/support/door.ts";

/** What the port may fail although a bare server does not; and why. */
const ALLOWED = new Map([
  // One port for both versions: bytes that are no preface are a request of HTTP/1.1, and a bad one.
  ["http2/3.5: Sends invalid connection preface", "HTTP/1.1 answers 400 and closes"],
]);
const CASES = 145;
const ANSWER_MS = 50;
const PATH = "/livez";

const [, , tool] = process.argv;
if (tool === undefined) throw new Error("usage: node scripts/h2spec.ts PATH_OF_H2SPEC");
const folder = await mkdtemp(join(tmpdir(), "h2spec-"));
const bare = createServer().on("sessionError", () => {});
bare.on("stream", (stream) => {
  stream.on("error", () => {});
  setTimeout(() => {
    if (stream.destroyed) return;
    stream.respond({ ":status": 200 });
    stream.end("alive");
  }, ANSWER_MS);
});
try {
  bare.listen(0, "127.0.0.1");
  await once(bare, "listening");
  await using clear = await openPort();
  await using secure = await openPort(true);
  const runs = await Promise.all([
    run("bare Node", (bare.address() as AddressInfo).port),
    run("the port", clear.port),
    run("the port under TLS", secure.port, ["-t", "-k"]),
  ]);
  const [baseline] = runs;
  const alive = (await fetch(`${clear.url}${PATH}`)).status === 200;
  if (!alive) console.log("WORSE: the port no longer answers");
  let worse = alive ? 0 : 1;
  for (const { name, total, failed } of runs) {
    console.log(`h2spec: ${name}: ${failed.length} of ${total} failed`);
    if (total !== CASES) worse++;
  }
  for (const { name, failed } of runs.slice(1)) {
    for (const one of failed) {
      if (baseline!.failed.includes(one)) continue;
      const why = ALLOWED.get(one);
      console.log(`${why === undefined ? "WORSE" : "allowed"}: ${name}: ${one}${why === undefined ? "" : ` (${why})`}`);
      if (why === undefined) worse++;
    }
  }
  process.exitCode = worse === 0 ? 0 : 1;
} finally {
  bare.close();
  await rm(folder, { recursive: true });
}

/** The production listener, with one path that does what the bare server does. */
function openPort(tls = false) {
  const answer = (inbound: Inbound) => void setTimeout(() => inbound.send(200, [], "alive"), ANSWER_MS);
  const methods = ["GET", "POST", "HEAD", "OPTIONS"];
  const mount = {
    prefix: "",
    endpoints: methods.map((method) => ({ method, path: PATH, permission: "open" as const, handle: answer })),
    refuse: answer,
  };
  return openDoor(siteOf([]), () => [mount], tls ? { tls: { ...selfSigned(), clientCa: undefined } } : {});
}

async function run(name: string, port: number, more: readonly string[] = []) {
  const report = join(folder, `${port}.xml`);
  const args = ["-h", "127.0.0.1", "-p", String(port), "--path", PATH, "-o", "2", "-j", report, ...more];
  await once(spawn(tool!, args, { stdio: "ignore" }), "close");
  return { name, ...read(await readFile(report, "latin1")) };
}

/** JUnit's XML, as h2spec writes it. */
function read(xml: string): { total: number; failed: string[] } {
  const cases = [...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(\s*<(?:failure|error)>)?/g)];
  const failed = cases.filter(([, , , failure]) => failure).map(([, part, name]) => `${part}: ${name}`);
  return { total: cases.length, failed };
}
