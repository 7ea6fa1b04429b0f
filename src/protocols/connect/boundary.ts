import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { ConnectError, Interceptor } from "@connectrpc/connect";
import { CALLER, type Caller } from "./caller.ts";
import { connectError, fromThrown } from "./errors.ts";
import { check } from "./validate.ts";

/**
 * What every RPC passes once on its way in and once on its way out: requests are held to their rules, and whatever is
 * thrown becomes one error in the caller's protocol. No policy lives here: those are steps of the call's plan.
 */
export const boundary: Interceptor = (next) => async (request) => {
  const caller = request.contextValues.get(CALLER)!;
  caller.reached = true;
  try {
    if (!request.stream) {
      await check(request.method.input, request.message);
      return await next(request);
    }
    const response = await next({ ...request, message: checked(request.method.input, request.message) });
    return response.stream ? { ...response, message: shaped(response.message, caller) } : response;
  } catch (thrown) {
    throw shape(thrown, caller);
  }
};

/** The one place where a failure gets its form; it is noted for the log as well. */
export function shape(thrown: unknown, { inbound }: Caller): ConnectError {
  const error = fromThrown(thrown);
  inbound.error = error;
  return connectError(error, inbound.id, inbound.call);
}

async function* checked<T extends Message>(desc: DescMessage, messages: AsyncIterable<T>): AsyncIterable<T> {
  for await (const message of messages) {
    await check(desc, message);
    yield message;
  }
}

/** By hand in place of a generator: a streamed message passes here. */
function shaped<T>(messages: AsyncIterable<T>, caller: Caller): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = messages[Symbol.asyncIterator]();
      const raise = (thrown: unknown) => {
        throw shape(thrown, caller);
      };
      return {
        next: () => inner.next().catch(raise),
        return: (value?: unknown) => inner.return?.(value) ?? Promise.resolve({ done: true, value: undefined }),
        throw: (thrown?: unknown) => inner.throw?.(thrown) ?? Promise.reject(thrown),
      };
    },
  };
}
