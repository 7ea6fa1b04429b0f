import { header } from "../../../core/arrival.ts";
import type { HeaderMap } from "../../../core/call.ts";

/** What a content type says of a call: how its messages are written and where its other facts stand. */
export interface Form {
  readonly protocol: "grpc" | "grpc-web" | "connect";
  /** Protobuf's binary form; else its JSON. */
  readonly binary: boolean;
  /** Each message in an envelope of its own. False: the body is the message, as Connect's unary calls have it. */
  readonly enveloped: boolean;
  /** In base64, as gRPC-web's text form. */
  readonly text: boolean;
  /** Content type of the answer. */
  readonly type: string;
  /** Header that names how messages are packed, and the one that names how an answer's may be. */
  readonly encoding: string;
  readonly accepts: string;
  readonly timeout: string;
}

const GRPC = { encoding: "grpc-encoding", accepts: "grpc-accept-encoding", timeout: "grpc-timeout" };
const CONNECT = { encoding: "content-encoding", accepts: "accept-encoding", timeout: "connect-timeout-ms" };
const STREAM = { ...CONNECT, encoding: "connect-content-encoding", accepts: "connect-accept-encoding" };

const FORMS = new Map<string, Form>();
for (const format of ["", "+proto", "+json"]) {
  const binary = format !== "+json";
  const as = binary ? "+proto" : "+json";
  const rest = { ...GRPC, binary, enveloped: true } as const;
  add(`application/grpc${format}`, { ...rest, protocol: "grpc", text: false, type: `application/grpc${as}` });
  for (const text of [false, true]) {
    const base = text ? "application/grpc-web-text" : "application/grpc-web";
    add(`${base}${format}`, { ...rest, protocol: "grpc-web", text, type: `${base}${as}` });
  }
}
for (const format of ["proto", "json"]) {
  const rest = { protocol: "connect", binary: format === "proto", text: false } as const;
  add(`application/${format}`, { ...rest, ...CONNECT, enveloped: false, type: `application/${format}` });
  add(`application/connect+${format}`, { ...rest, ...STREAM, enveloped: true, type: `application/connect+${format}` });
}

function add(type: string, form: Form): void {
  FORMS.set(type, form);
  if (form.binary) return;
  FORMS.set(`${type};charset=utf-8`, form);
  FORMS.set(`${type}; charset=utf-8`, form);
}

/** The form that a request's content type names, in any case of letters; `undefined`: one that is not for here. */
export function formOf(headers: HeaderMap): Form | undefined {
  const type = header(headers, "content-type");
  if (type === undefined) return undefined;
  return FORMS.get(type) ?? FORMS.get(type.toLowerCase());
}
