import type { Socket } from "node:net";
import type { Lanes } from "./lanes.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Sockets that have not said yet what they speak. */
export const waiting = new WeakSet<Socket>();

/** Takes connections by `emit("connection", socket)`, as Node's servers do. */
export interface Server {
  emit(event: "connection", socket: Socket): boolean;
}

/** Has a server read a connection, from the bytes on that were read already. */
export function giveTo(server: Server, socket: Socket, bytes: Buffer): void {
  socket.unshift(bytes);
  server.emit("connection", socket);
  // Data that came before the server's own listeners is read only when the stream is told to flow.
  socket.resume();
}

/**
 * Reads until the first bytes tell HTTP/2's preface from HTTP/1.1, and hands the socket over together with them.
 * A socket that stays silent, or stops within the preface, is closed after `timeoutMs`.
 */
export function sniff(socket: Socket, timeoutMs: number, http1: Lanes, http2: Server): void {
  let held: Buffer | undefined;
  waiting.add(socket);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = () => clearTimeout(timer);
  socket.once("close", stop);
  const look = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    held = held === undefined ? chunk : Buffer.concat([held, chunk]);
    const length = Math.min(held.length, PREFACE.length);
    const same = held.compare(PREFACE, 0, length, 0, length) === 0;
    // "PRI" is no method of HTTP/1.1: three bytes decide against it, but only the whole preface decides for HTTP/2.
    if (same && length < PREFACE.length) return;
    socket.removeListener("readable", look);
    socket.removeListener("close", stop);
    stop();
    waiting.delete(socket);
    if (same) {
      socket.unshift(held);
      http2.emit("connection", socket);
    } else http1.take(socket, held);
  };
  socket.on("readable", look);
}
