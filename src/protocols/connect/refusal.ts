import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressedFlag } from "@connectrpc/connect/protocol";
import { endStreamFromJson, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";

// Made when it is needed: it brings `Headers`, and with them the fetch of Node, 13 MB that nobody else asks for.
const unreadable = () => new ConnectError("the request cannot be read", Code.InvalidArgument);

/** The error in an answer that holds nothing else; `undefined`: it holds none. */
export async function refusalIn(response: UniversalServerResponse): Promise<ConnectError | undefined> {
  const { status, header = new Headers(), body, trailer } = response;
  if (body === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const type = header.get("content-type") ?? "";
  if (trailer) return findTrailerError(trailer);
  const web = type.startsWith("application/grpc-web");
  if (!web && !type.startsWith("application/connect+")) {
    return status === 200 ? undefined : errorFromJsonBytes(bytes, header, unreadable());
  }
  if ((bytes[0]! & compressedFlag) !== 0) return unreadable();
  const end = bytes.subarray(5);
  return web ? findTrailerError(trailerParse(end)) : endStreamFromJson(end).error;
}
