import { describe, expect, it } from "vitest";
import { compressions } from "../compression.ts";
import { type Form, formOf } from "./form.ts";
import { packingOf } from "./packing.ts";

const form = (type: string) => formOf({ "content-type": type });

describe("a content type", () => {
  it.each([
    ["application/grpc", "grpc", "application/grpc+proto"],
    ["application/grpc+proto", "grpc", "application/grpc+proto"],
    ["Application/GRPC+JSON", "grpc", "application/grpc+json"],
    ["application/grpc-web", "grpc-web", "application/grpc-web+proto"],
    ["application/grpc-web-text", "grpc-web", "application/grpc-web-text+proto"],
    ["application/json", "connect", "application/json"],
    ["application/json; charset=UTF-8", "connect", "application/json"],
    ["application/proto", "connect", "application/proto"],
    ["application/connect+json", "connect", "application/connect+json"],
  ])("%s is of %s and answered by %s", (type, protocol, answer) => {
    expect(form(type)).toMatchObject({ protocol, type: answer, binary: !answer.includes("json") });
  });

  it.each(["", "text/plain", "application/json; charset=latin1", "application/grpcx", "application/connect+xml"])(
    "%s is left to others",
    (type) => {
      expect(form(type)).toBeUndefined();
    },
  );

  it("names the header fields in lower case, as they come", () => {
    const names = ["application/grpc", "application/grpc-web", "application/json", "application/connect+proto"].flatMap(
      (type) => {
        const { encoding, accepts, timeout } = form(type)!;
        return [encoding, accepts, timeout];
      },
    );
    expect(names).toEqual(names.map((name) => name.toLowerCase()));
  });
});

describe("packing", () => {
  const known = compressions(() => 1000);
  const grpc = form("application/grpc") as Form;
  const names = (headers: Record<string, string>) => {
    const found = packingOf(headers, grpc, known);
    return found && [found.request?.name, found.reply?.name];
  };

  it("is none unless the caller asks for it", () => {
    expect(names({})).toEqual([undefined, undefined]);
    expect(names({ "grpc-encoding": "identity", "grpc-accept-encoding": "identity" })).toEqual([undefined, undefined]);
  });

  it("answers with the first that the caller takes, or with what it sent", () => {
    expect(names({ "grpc-accept-encoding": "identity,deflate, br ,gzip" })).toEqual([undefined, "br"]);
    expect(names({ "grpc-encoding": "gzip" })).toEqual(["gzip", "gzip"]);
    expect(names({ "grpc-encoding": "gzip", "grpc-accept-encoding": "zstd" })).toEqual(["gzip", undefined]);
  });

  it("leaves a request that is packed in an unknown way to others", () => {
    expect(names({ "grpc-encoding": "zstd" })).toBeUndefined();
  });
});
