import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { expectSame, reference, startSimulator, type Told } from "./question.ts";
import { clientSuite } from "./tools.ts";
import { askCurl, curl, protoQuestion, toldByProto } from "./ways.ts";

clientSuite("curl", "curl", (path) => {
  let gateway: Gateway;
  let want: Told;

  beforeAll(async () => {
    gateway = await startSimulator();
    want = await reference(gateway.url);
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  it.each([
    ["HTTP/1.1", "--http1.1"],
    ["HTTP/2 without TLS", "--http2-prior-knowledge"],
    ["gzip", "--compressed"],
  ])("gets the same answers over %s", async (_, flag) => {
    expectSame(await askCurl(path, gateway, flag), want);
  });

  it("speaks Connect's JSON without any library", async () => {
    const answer = await curl(path, `${gateway.url}/polygate.v1.ChatService/Chat`, protoQuestion);
    expect(toldByProto([JSON.parse(answer)])).toEqual({ ...want, pieces: 1 });
  });
});
