/** Long requests for predictions, cut over several instances of a model server. */
import { createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PredictionService } from "../../gen/polygate/v1/predictions_pb.js";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { type Exchange, type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { WIRES } from "../support/rpc.ts";
import { answering } from "./routes.ts";

let servers: FakeUpstream[];
let running: Running | undefined;

beforeEach(async () => {
  servers = await Promise.all([fakeUpstream(), fakeUpstream()]);
  for (const server of servers) server.always(echo);
});
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = undefined;
  await Promise.all(servers.map((server) => server.close()));
});

/** Each row is its own prediction; `"bad"` among them is refused. */
function echo({ body }: Exchange): Script {
  const { instances, inputs, dataframe_records, dataframe_split } = JSON.parse(body.toString()) as Record<
    string,
    never
  >;
  const rows: unknown[] =
    instances ?? inputs ?? dataframe_records ?? (dataframe_split as unknown as { data: unknown[] }).data;
  if (rows.includes("bad")) return answering('{"error_code": "BAD_REQUEST", "message": "No."}', 400);
  return answering(`{"predictions": [${rows.map((row) => JSON.stringify(row)).join(", ")}], "model": "m"}`);
}

const config = (batch: string) => `
log: { level: silent }
routes:
  - name: iris
    route_type: mlflow/v1/predictions
    batch: ${batch}
    targets:
${servers.map(({ url }) => `      - model: { provider: mlflow-model-serving, name: iris, config: { model_server_url: "${url}" } }`).join("\n")}
`;
async function ask(body: string) {
  const sent = { method: "POST", headers: { "content-type": "application/json" }, body };
  const reply = await fetch(`${running!.url}/predict/iris`, sent);
  return { status: reply.status, text: await reply.text() };
}
const sent = () => servers.map(({ exchanges }) => exchanges.map(({ body }) => body.toString()));
const rowsOf = (count: number) => Array.from({ length: count }, (_, at) => at);

describe("a request with more rows than a part may have", () => {
  beforeEach(async () => {
    running = await runGateway(config("{ max_rows: 2 }"));
  });

  it.each([
    ['{"instances": [1, 2.50, NaN_]}', '{"instances":[1, 2.50]}', '{"instances":[NaN_]}'],
    [
      '{"inputs": [[1, "]"], [2, "\\""], [3, ","]], "params": {"k": 1}}',
      '{"inputs":[[1, "]"], [2, "\\""]],"params":{"k": 1}}',
      '{"inputs":[[3, ","]],"params":{"k": 1}}',
    ],
    [
      '{"dataframe_records": [{"x": 1}, {"x": 2}, {"x": 3}]}',
      '{"dataframe_records":[{"x": 1}, {"x": 2}]}',
      '{"dataframe_records":[{"x": 3}]}',
    ],
    [
      '{"dataframe_split": {"columns": ["x"], "index": [7, 8, 9], "data": [[1], [2], [3]]}}',
      '{"dataframe_split":{"columns":["x"],"index":[7, 8],"data":[[1], [2]]}}',
      '{"dataframe_split":{"columns":["x"],"index":[9],"data":[[3]]}}',
    ],
  ])("is asked of both instances in parts, with the spelling of its values: %s", async (body, first, second) => {
    for (const server of servers) server.always(answering('{"predictions": []}'));
    await ask(body);
    expect(sent()).toEqual([[first], [second]]);
  });

  it("is answered in the order of its rows, and what all parts say beside them is said of the whole", async () => {
    expect(await ask(JSON.stringify({ instances: rowsOf(7) }))).toEqual({
      status: 200,
      text: '{"predictions":[0, 1, 2, 3, 4, 5, 6],"model":"m"}',
    });
    expect(sent().map((all) => all.length)).toEqual([2, 2]);
  });

  it("is answered over gRPC in the same way", async () => {
    const { predict } = createClient(PredictionService, WIRES[0]![1](running!.url));
    const values = { case: "longs" as const, value: { values: rowsOf(5).map(BigInt) } };
    const { predictions } = await predict({ model: "iris", input: { case: "tensor", value: { values } } });
    expect(predictions).toMatchObject({ case: "tensor", value: { shape: [5], values } });
  });

  it("is tried on the other instance where a part fails, and fails as a whole when that fails, too", async () => {
    servers[0]!.always(answering("{}", 500));
    expect(await ask(JSON.stringify({ instances: rowsOf(4) }))).toMatchObject({ status: 200 });
    servers[1]!.always(answering("{}", 500));
    const before = servers.map(({ hits }) => hits);
    expect(await ask(JSON.stringify({ instances: rowsOf(4) }))).toMatchObject({ status: 502 });
    expect(servers.every(({ hits }, at) => hits - before[at]! <= 2)).toBe(true);
  });

  it("is refused as a whole in the words of the part that is refused", async () => {
    const { status, text } = await ask(JSON.stringify({ instances: [0, 1, "bad"] }));
    expect([status, JSON.parse(text)]).toEqual([400, { error_code: "BAD_REQUEST", message: "No." }]);
  });

  it.each(['{"predictions": {"a": [1, 2]}}', '{"predictions": [1, 2, 3]}', '{"outputs": [1, 2]}'])(
    "is refused when an answer is not one prediction for each row: %s",
    async (answer) => {
      servers[0]!.always(answering(answer));
      const { status, text } = await ask(JSON.stringify({ instances: rowsOf(4) }));
      expect([status, text]).toEqual([502, expect.stringContaining("answered the rows 0-1 with something else")]);
    },
  );
});

it("what is no list of rows, or no longer than a part, is sent as it came", async () => {
  running = await runGateway(config("{ max_rows: 2 }"));
  servers[0]!.always(answering('{"predictions": 1}'));
  const bodies = ['{"instances": [1, 2] }', '{"inputs": {"a": [1, 2, 3]}}', '{"inputs": [1, , 2, 3]}'];
  for (const body of bodies) await ask(body);
  expect(sent()).toEqual([bodies, []]);
});

it.each(["[1, 2, 3]", "null", "5", '"x"'])(
  "a dataframe_split that is %s is the model server's to refuse",
  async (table) => {
    running = await runGateway(config("{ max_rows: 2 }"));
    for (const server of servers)
      server.always(answering('{"error_code": "BAD_REQUEST", "message": "No table."}', 400));
    const { status, text } = await ask(`{"dataframe_split": ${table}}`);
    expect([status, JSON.parse(text)]).toEqual([400, { error_code: "BAD_REQUEST", message: "No table." }]);
  },
);

it("no more parts are under way than the route allows, and the rest of a failed call is not sent", async () => {
  running = await runGateway(config("{ max_rows: 1, max_parallel: 2 }"));
  const held = Promise.withResolvers<void>();
  servers[0]!.always({ ...answering("{}", 400), hold: held.promise });
  servers[1]!.always({ ...answering('{"predictions": [1]}'), hold: new Promise<void>(() => {}) });
  const asked = ask(JSON.stringify({ instances: rowsOf(9) }));
  await Promise.all(servers.map((server) => server.exchange(0)));
  held.resolve();
  expect((await asked).status).toBe(400);
  expect(servers.map(({ hits }) => hits)).toEqual([1, 1]);
});
