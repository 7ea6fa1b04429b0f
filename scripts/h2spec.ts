/**
 * Holds the main port to HTTP/2: `node scripts/h2spec.ts PATH_OF_H2SPEC`. Ends with 1 when a case fails that a bare Node server
 * passes, or when h2spec did not run all of its cases.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "../test/support/gateway.ts";

/** What of h2spec 2.2.1 fails with `http2.createServer` of Node 24, which answers by nghttp2; and why it may. */
const KNOWN = new Map([
  // Frames on streams that are over are ignored or cut without the very code that the RFC wants.
  ["http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame", "nghttp2 ignores it"],
  ["http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame", "nghttp2 ignores it"],
  ["http2/5.1: closed: Sends a DATA frame", "nghttp2 ignores it"],
  ["http2/5.1: closed: Sends a HEADERS frame", "nghttp2 ignores it"],
  ["http2/5.1.1: Sends stream identifier that is numerically smaller than previous", "nghttp2 ignores it"],
  // Priorities are gone from HTTP/2 (RFC 9113 section 5.3).
  ["http2/5.3.1: Sends PRIORITY frame that depend on itself", "priorities are not looked at"],
  ["http2/6.3: Sends a PRIORITY frame with 0x0 stream identifier", "priorities are not looked at"],
  ["http2/6.7: Sends a PING frame with ACK", "Node closes the connection"],
  [
    "http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream",
    "Node closes the connection",
  ],
  // One port for both versions: bytes that are no preface are a request of HTTP/1.1, and a bad one.
  ["http2/3.5: Sends invalid connection preface", "HTTP/1.1 answers 400 and closes"],
]);
const CASES = 145;

const [, , tool] = process.argv;
if (tool === undefined) throw new Error("usage: node scripts/h2spec.ts PATH_OF_H2SPEC");
const folder = await mkdtemp(join(tmpdir(), "h2spec-"));
try {
  const report = join(folder, "report.xml");
  await using gateway = await startGateway("routes: []\nlog: {level: error}", { args: ["--workers", "1"] });
  const args = ["-h", "127.0.0.1", "-p", String(gateway.port), "--path", "/livez", "-o", "2", "-j", report];
  const child = spawn(tool, args, { stdio: "ignore" });
  await once(child, "close");
  const { total, failed } = read(await readFile(report, "latin1"));
  const worse = failed.filter((name) => !KNOWN.has(name));
  for (const name of failed) console.log(`${KNOWN.has(name) ? "known" : "WORSE"}: ${name}`);
  const alive = (await fetch(`${gateway.url}/livez`)).status === 200;
  if (!alive) console.log("WORSE: the gateway no longer answers");
  console.log(
    `h2spec: ${total - failed.length} of ${total} passed, ${failed.length} failed, ${worse.length} of them not known`,
  );
  process.exitCode = worse.length === 0 && total === CASES && alive ? 0 : 1;
} finally {
  await rm(folder, { recursive: true });
}

/** JUnit's XML, as h2spec writes it. */
function read(xml: string): { total: number; failed: string[] } {
  const cases = [...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(\s*<(?:failure|error)>)?/g)];
  const failed = cases.filter(([, , , failure]) => failure).map(([, part, name]) => `${part}: ${name}`);
  return { total: cases.length, failed };
}
