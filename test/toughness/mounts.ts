/** Endpoints as small as they can be, for tests of the port alone. */
import type { Inbound, Mount } from "../../src/core/protocol.ts";

const LIMIT = 1_000_000;

/** GET `/hello` answers at once, `/hang` never, `/big` 8 MB; POST `/echo` says how long its body was, `/hold` never reads it. */
export function hello(): readonly Mount[] {
  return [
    {
      prefix: "",
      endpoints: [
        { method: "GET", path: "/hello", permission: "open", handle: (inbound) => inbound.send(200, [], "hello") },
        { method: "GET", path: "/hang", permission: "open", handle: () => {} },
        {
          method: "GET",
          path: "/big",
          permission: "open",
          handle: (inbound) => inbound.send(200, [], Buffer.alloc(8_000_000, "x")),
        },
        { method: "POST", path: "/echo", permission: "open", handle: echo },
        { method: "POST", path: "/hold", permission: "open", handle: () => {} },
      ],
      refuse: (inbound, error) => inbound.send(error.http, [], error.message),
    },
  ];
}

function echo(inbound: Inbound): void {
  inbound.collect(LIMIT, (error, bytes) => {
    inbound.error = error;
    inbound.send(error?.http ?? 200, [], error?.message ?? `${bytes.length} bytes`);
  });
}
