/** MLflow's scoring forms at `/predict/{route}`, over sockets, in front of a model server that is scripted. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { answering, REPLY, routesTo } from "./routes.ts";

let upstream: FakeUpstream;
let running: Running;
beforeAll(async () => {
  upstream = await fakeUpstream();
  upstream.always(answering(REPLY));
  running = await runGateway(routesTo(upstream.url));
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await upstream.close();
});

async function ask(body: string | Uint8Array<ArrayBuffer>, route = "iris", headers: Record<string, string> = {}) {
  const sent = { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
  const reply = await fetch(`${running.url}/predict/${route}`, sent);
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}
const last = () => upstream.exchange(upstream.hits - 1);

describe("a request for predictions", () => {
  it.each([
    '{"inputs": [[5.10, 3.5]]}',
    '{"inputs":{"a":[1],"b":[2]},"params":{"k":1.0}}',
    '{"instances": [{"x": 1e2}]}',
    '{"dataframe_split": {"columns": ["x"], "data": [[1.0]]}}',
    ' {"dataframe_records": [{"x": 12345678901234567890}], "params": null, "client_request_id": "7"}\n',
  ])("goes to the model server byte for byte, and its answer comes back so: %s", async (body) => {
    const { status, headers, text } = await ask(body);
    expect({ status, text }).toEqual({ status: 200, text: REPLY });
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("x-polygate-served")).toBe(
      "route=iris; provider=mlflow-model-serving; model=iris; target=0; attempt=1; revision=1",
    );
    const { url, body: sent, headers: given } = await last();
    expect([url, sent.toString(), given["content-type"]]).toEqual(["/m/invocations", body, "application/json"]);
  });

  it.each(["text/csv", "text/csv; charset=utf-8", "TEXT/CSV"])("may be a table as %s", async (type) => {
    const { status, text } = await ask("x,y\n1,2\n", "iris", { "content-type": type });
    expect({ status, text }).toEqual({ status: 200, text: REPLY });
    const { body, headers } = await last();
    expect([body.toString(), headers["content-type"]]).toEqual(["x,y\n1,2\n", "text/csv"]);
  });

  it("may be packed", async () => {
    const packed = new Uint8Array(gzipSync('{"inputs": [1]}'));
    expect(await ask(packed, "iris", { "content-encoding": "gzip" })).toMatchObject({ status: 200 });
    expect((await last()).body.toString()).toBe('{"inputs": [1]}');
  });

  it("goes to Databricks' endpoint with its token", async () => {
    expect(await ask('{"inputs": [1]}', "lake")).toMatchObject({ status: 200, text: REPLY });
    const { url, headers } = await last();
    expect([url, headers.authorization]).toEqual(["/serving-endpoints/iris%202/invocations", "Bearer dapi-1"]);
  });

  it.each([
    ["{}", "BAD_REQUEST", "exactly one of inputs, instances, dataframe_split, dataframe_records"],
    ['{"inputs": [1], "instances": [1]}', "BAD_REQUEST", "instances: stands beside inputs"],
    ['{"inputs": [1], "params": [1]}', "BAD_REQUEST", "params: must be an object"],
    ['{"inputs": [1]', "MALFORMED_REQUEST", "not valid JSON"],
    ["[1]", "MALFORMED_REQUEST", "one JSON object"],
  ])("is refused when it is %s", async (body, code, words) => {
    const before = upstream.hits;
    const { status, text } = await ask(body);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ error_code: code, message: expect.stringContaining(words) });
    expect(upstream.hits).toBe(before);
  });

  it.each([
    ["nobody", 404, "RESOURCE_DOES_NOT_EXIST", 'No route is named "nobody"'],
    ["vectors", 501, "NOT_IMPLEMENTED", "llm/v1/embeddings"],
    ["lost", 501, "NOT_IMPLEMENTED", "The provider cohere does not do predictions"],
  ])("is refused by the route %s", async (route, status, error_code, words) => {
    const told = await ask('{"inputs": [1]}', route);
    expect(told.status).toBe(status);
    expect(JSON.parse(told.text)).toEqual({ error_code, message: expect.stringContaining(words) });
  });

  it("is refused with another type, and by another method", async () => {
    const form = await ask("a=b", "iris", { "content-type": "application/x-www-form-urlencoded" });
    expect(form.status).toBe(415);
    const got = await fetch(`${running.url}/predict/iris`);
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await got.json()).toMatchObject({ error_code: "RESOURCE_DOES_NOT_EXIST" });
  });
});

describe("a model server's refusal", () => {
  const said = (code: string) =>
    `{"error_code": "${code}", "message": "No column y.", "stack_trace": "File /opt/x.py"}`;

  it.each([
    [400, "BAD_REQUEST", 400, "BAD_REQUEST", "No column y."],
    [404, "RESOURCE_DOES_NOT_EXIST", 404, "RESOURCE_DOES_NOT_EXIST", "No column y."],
    [500, "INTERNAL_ERROR", 502, "INTERNAL_ERROR", "failed with status 500. It says: No column y."],
    [401, "UNAUTHENTICATED", 502, "TEMPORARILY_UNAVAILABLE", "refused the gateway's credential"],
    [429, "REQUEST_LIMIT_EXCEEDED", 429, "REQUEST_LIMIT_EXCEEDED", "over its rate limit"],
  ])("%i is told in MLflow's form, without where it happened", async (theirs, code, status, error_code, words) => {
    upstream.next(answering(said(code), theirs));
    const told = await ask('{"inputs": [1]}');
    expect(told.status).toBe(status);
    expect(JSON.parse(told.text)).toEqual({ error_code, message: expect.stringContaining(words) });
  });

  it("is told of an answer that is no JSON", async () => {
    upstream.next(answering("<html>busy</html>"));
    expect(await ask('{"inputs": [1]}')).toMatchObject({ status: 502 });
  });
});

it.each(["gateway", "endpoints"])("MLflow's path /%s says where such a route answers", async (prefix) => {
  const reply = await fetch(`${running.url}/${prefix}/iris/invocations`, { method: "POST", body: "{}" });
  expect(reply.status).toBe(501);
  expect(await reply.json()).toEqual({ detail: 'The route "iris" gives predictions; ask it at /predict/iris.' });
});

it("stands in MLflow's list with its type", async () => {
  const reply = await fetch(`${running.url}/api/2.0/endpoints/iris`);
  expect(await reply.json()).toMatchObject({ endpoint_type: "mlflow/v1/predictions", model: { name: "iris" } });
});
