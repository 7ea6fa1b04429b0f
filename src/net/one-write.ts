import type { Socket } from "node:net";

/** Most bytes that go out as one string with what stands before them; copying more costs more than a second buffer. */
export const ONE_WRITE_BYTES = 8 * 1024;

/**
 * Writes a head and the bytes that follow it with one system call.
 *
 * @param text In latin1.
 * @param done Told when all is with the system, or that it will not be.
 */
export function writeWith(
  socket: Socket,
  text: string,
  bytes: Buffer | undefined,
  done?: (error?: Error | null) => void,
): void {
  if (bytes === undefined || bytes.length === 0) socket.write(text, "latin1", done);
  else if (bytes.length <= ONE_WRITE_BYTES) socket.write(text + bytes.toString("latin1"), "latin1", done);
  else {
    socket.cork();
    socket.write(text, "latin1");
    socket.write(bytes, done);
    socket.uncork();
  }
}
