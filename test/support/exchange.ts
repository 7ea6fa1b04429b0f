/** HTTP exchanges as they look once they are over, for tests of those who only read them. */
import { ANYBODY } from "../../src/core/grants.ts";
import type { Inbound } from "../../src/core/protocol.ts";

/** An exchange of a chat completion that was answered with 200. Its methods do nothing. */
export function exchange(over: Partial<Inbound> = {}): Inbound {
  return {
    id: "req-1",
    method: "POST",
    path: "/v1/chat/completions",
    query: "",
    headers: {},
    http2: false,
    secure: false,
    remote: "127.0.0.1",
    started: 0,
    base: "http://localhost",
    counted: false,
    always: [],
    principal: ANYBODY,
    protocol: "",
    call: undefined,
    error: undefined,
    status: 200,
    collect() {},
    read: () => ({ pause() {}, resume() {} }),
    send() {},
    open() {},
    write: () => true,
    close() {},
    reset() {},
    onDrain: undefined,
    onGone: undefined,
    onStop: undefined,
    ...over,
  };
}
