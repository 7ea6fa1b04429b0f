import { connect as connectTcp, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import { plainName } from "../core/address.ts";
import { type Egress, EgressRefused, guardedLookup } from "./egress.ts";
import { CONNECT_TIMEOUT } from "./exchange.ts";

/** Milliseconds of silence after which the system asks whether the other end is there. */
const PROBE_MS = 60_000;

/** Told once, of a connection that is open, or why there is none. */
export type Connected = (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void;

/** Opens one more connection. What it returns is destroyed to give up; `undefined`: refused, which is told in a moment. */
export type Connector = (done: Connected) => Socket | undefined;

/**
 * Dials one origin as far as `egress` allows, and gives up after exactly `ms`: DNS, TCP and TLS together. A name is judged by its
 * addresses, after DNS; an address in the URL never gets to DNS and is judged here. TLS takes up where the connection before
 * left off, and speaks HTTP/1.1 alone.
 */
export function connectorOf(origin: string, ms: number, egress: Egress, resolve?: LookupFunction): Connector {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === "https:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const judged = plainName(hostname);
  const isAddress = isIP(judged) !== 0;
  const base = { host, port: Number(port) || (secure ? 443 : 80), lookup: guardedLookup(egress, resolve) };
  // A certificate's names are compared with the host, and an address is no name to ask for.
  const secureBase = { ...base, ALPNProtocols: ["http/1.1"], ...(!isAddress && { servername: host }) };
  let session: Buffer | undefined;

  function dial(): Socket {
    if (!secure) return connectTcp({ ...base, highWaterMark: 64 * 1024 } as TcpNetConnectOpts);
    const socket = connectTls({ ...secureBase, ...(session && { session }) });
    socket.on("session", (fresh: Buffer) => {
      session = fresh;
    });
    return socket;
  }

  return (done) => {
    const why = isAddress ? egress.refuse(judged, judged) : undefined;
    if (why !== undefined) {
      queueMicrotask(() => done(new EgressRefused(why), null));
      return undefined;
    }
    const socket = dial();
    let settled = false;
    const settle = (...result: Parameters<Connected>) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      done(...result);
    };
    const timer = setTimeout(() => {
      // The system would go on knocking for two minutes.
      socket.destroy();
      settle(Object.assign(new Error("connect timeout"), { [CONNECT_TIMEOUT]: true }), null);
    }, ms);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, PROBE_MS);
    socket.once(secure ? "secureConnect" : "connect", () => settle(null, socket));
    socket.on("error", (error: Error) => settle(error, null));
    socket.once("close", () => settle(new Error("closed before it was open"), null));
    return socket;
  };
}
