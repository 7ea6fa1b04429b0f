import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AuditService } from "../../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { ChatService } from "../../gen/polygate/v1/chat_pb.js";
import { CompletionsService } from "../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService } from "../../gen/polygate/v1/embeddings_pb.js";
import { PredictionService } from "../../gen/polygate/v1/predictions_pb.js";

export * from "../../gen/polygate/admin/v1/audit_pb.js";
export * from "../../gen/polygate/admin/v1/key_admin_pb.js";
export * from "../../gen/polygate/admin/v1/revision_admin_pb.js";
export * as admin from "../../gen/polygate/admin/v1/route_admin_pb.js";
export * as config from "../../gen/polygate/config/v1/config_pb.js";
export * from "../../gen/polygate/v1/chat_pb.js";
export * from "../../gen/polygate/v1/completions_pb.js";
export * from "../../gen/polygate/v1/embeddings_pb.js";
export * from "../../gen/polygate/v1/errors_pb.js";
export * from "../../gen/polygate/v1/predictions_pb.js";
export * from "../../gen/polygate/v1/types_pb.js";

/** Where the gateway is, and how a client is known to it. */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:5000`. */
  readonly baseUrl: string;
  /** An API key, or a function that gives one, asked for each call. Absent: none is sent. */
  readonly key?: string | (() => string | Promise<string>);
  /** Longest time of a call in milliseconds, streams included; default: none. */
  readonly timeoutMs?: number;
  /** In place of the platform's own. */
  readonly fetch?: typeof globalThis.fetch;
  /** In place of Connect over fetch, such as `createGrpcTransport` of @connectrpc/connect-node; the other options are not used then. */
  readonly transport?: Transport;
}

/** A client for each service. */
export interface Polygate {
  readonly chat: Client<typeof ChatService>;
  readonly completions: Client<typeof CompletionsService>;
  readonly embeddings: Client<typeof EmbeddingsService>;
  readonly predictions: Client<typeof PredictionService>;
  readonly routes: Client<typeof RouteAdminService>;
  readonly revisions: Client<typeof RevisionAdminService>;
  readonly keys: Client<typeof KeyAdminService>;
  readonly audit: Client<typeof AuditService>;
}

/**
 * Typed clients of a gateway, for Node and browsers. A call fails with a `ConnectError`, whose details hold a `google.rpc.ErrorInfo`
 * with the reason of docs/errors.md.
 */
export function createPolygate(options: ClientOptions): Polygate {
  const transport = options.transport ?? overFetch(options);
  const to = <Service extends DescService>(service: Service) => createClient(service, transport);
  return {
    chat: to(ChatService),
    completions: to(CompletionsService),
    embeddings: to(EmbeddingsService),
    predictions: to(PredictionService),
    routes: to(RouteAdminService),
    revisions: to(RevisionAdminService),
    keys: to(KeyAdminService),
    audit: to(AuditService),
  };
}

function overFetch({ baseUrl, key, timeoutMs, fetch = globalThis.fetch }: ClientOptions): Transport {
  return createConnectTransport({
    baseUrl: baseUrl.replace(/\/+$/, ""),
    useBinaryFormat: true,
    interceptors: key === undefined ? [] : [known(key)],
    // What follows a redirect by itself could take the key to another host.
    fetch: (url, init) => fetch(url, { ...init, redirect: "error" }),
    ...(timeoutMs !== undefined && { defaultTimeoutMs: timeoutMs }),
  });
}

function known(key: NonNullable<ClientOptions["key"]>): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof key === "string" ? key : await key()}`);
    return next(request);
  };
}
