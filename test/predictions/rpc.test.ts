/** Typed predictions over gRPC, gRPC-web and Connect, in front of a model server that is scripted. */
import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  PredictionService,
  type PredictRequestSchema,
  type PredictResponse,
  PredictResponseSchema,
  type TensorSchema,
} from "../../gen/polygate/v1/predictions_pb.js";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { failure, WIRES } from "../support/rpc.ts";
import { answering, routesTo } from "./routes.ts";

type Input = NonNullable<MessageInitShape<typeof PredictRequestSchema>["input"]>;
type Values = NonNullable<MessageInitShape<typeof TensorSchema>["values"]>;

let upstream: FakeUpstream;
let running: Running;
beforeAll(async () => {
  upstream = await fakeUpstream();
  running = await runGateway(routesTo(upstream.url));
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await upstream.close();
});

const grpc = () => WIRES[0]![1](running.url);
const predict = (input: Input, via: Transport = grpc()) =>
  createClient(PredictionService, via).predict({ model: "iris", input });
const doubles = (...values: number[]): Values => ({ case: "doubles", value: { values } });
const longs = (...values: bigint[]): Values => ({ case: "longs", value: { values } });
const tensor = (values: Values, shape: number[] = []): Input => ({ case: "tensor", value: { shape, values } });

/** What a reply of the model server is read as. */
async function read(reply: string): Promise<PredictResponse> {
  upstream.next(answering(reply));
  return predict(tensor(doubles(1)));
}
/** What the model server is sent. */
async function sent(input: Input): Promise<string> {
  upstream.next(answering('{"predictions": []}'));
  await predict(input);
  return (await upstream.exchange(upstream.hits - 1)).body.toString();
}

it.each(WIRES)("a tensor goes and a tensor comes over %s", async (_, transport) => {
  upstream.next(answering('{"predictions": [[0.25, 1.0], [NaN, -Infinity]]}'));
  const { predictions, served } = await predict(tensor(doubles(5, 3.5, 1, 2), [2, 2]), transport(running.url));
  expect((await upstream.exchange(upstream.hits - 1)).body.toString()).toBe('{"inputs":[[5.0,3.5],[1.0,2.0]]}');
  expect(predictions).toMatchObject({
    case: "tensor",
    value: { shape: [2, 2], values: doubles(0.25, 1, Number.NaN, Number.NEGATIVE_INFINITY) },
  });
  expect(served).toMatchObject({ route: "iris", provider: "mlflow-model-serving", model: "iris", attempt: 1 });
});

describe("an input is sent as Python reads it with the same types", () => {
  const column = (name: string, values: Values, shape: number[] = []) => ({ name, values: { shape, values } });

  it.each<[string, Input, string]>([
    ["whole doubles", tensor(doubles(5, 1e21, -0, Number.NaN)), '{"inputs":[5.0,1e+21,-0.0,NaN]}'],
    [
      "floats by their own digits",
      tensor({ case: "floats", value: { values: [0.1, 2, 16777216] } }),
      '{"inputs":[0.1,2.0,16777216.0]}',
    ],
    ["longs with all digits", tensor(longs(9007199254740993n, -1n)), '{"inputs":[9007199254740993,-1]}'],
    ["texts", tensor({ case: "strings", value: { values: ['a"', "東"] } }), '{"inputs":["a\\"","東"]}'],
    [
      "truths in three dimensions",
      tensor({ case: "bools", value: { values: [true, false] } }, [1, 2, 1]),
      '{"inputs":[[[true],[false]]]}',
    ],
    ["no rows at all", tensor(doubles(), [0, 4]), '{"inputs":[]}'],
    [
      "tensors by name",
      { case: "tensors", value: { tensors: { a: { values: doubles(1) }, 'b"': { values: longs(2n) } } } },
      '{"inputs":{"a":[1.0],"b\\"":[2]}}',
    ],
    [
      "a table",
      { case: "table", value: { columns: [column("x", doubles(1, 2)), column("v", longs(1n, 2n, 3n, 4n), [2, 2])] } },
      '{"dataframe_split":{"columns":["x","v"],"data":[[1.0,[1,2]],[2.0,[3,4]]]}}',
    ],
    [
      "records",
      { case: "records", value: { records: [{ x: 1.5, y: "b" }] } },
      '{"dataframe_records":[{"x":1.5,"y":"b"}]}',
    ],
    [
      "instances",
      {
        case: "instances",
        value: { values: [{ kind: { case: "numberValue", value: 2 } }, { kind: { case: "boolValue", value: true } }] },
      },
      '{"instances":[2,true]}',
    ],
  ])("%s", async (_, input, text) => {
    expect(await sent(input)).toBe(text);
  });

  it("with its parameters", async () => {
    upstream.next(answering('{"predictions": []}'));
    await createClient(PredictionService, grpc()).predict({
      model: "lake",
      input: tensor(longs(1n)),
      params: { k: 2 },
    });
    const { url, body } = await upstream.exchange(upstream.hits - 1);
    expect([url, body.toString()]).toEqual([
      "/serving-endpoints/iris%202/invocations",
      '{"inputs":[1],"params":{"k":2}}',
    ]);
  });
});

describe("an answer keeps its types", () => {
  const told = (values: Values, shape: number[]) => ({ case: "tensor", value: { shape, values } });

  it.each([
    ['{"predictions": [1, 2]}', told(longs(1n, 2n), [2])],
    ['{"predictions": [1.0, 2]}', told(doubles(1, 2), [2])],
    ['{"predictions": [[9007199254740993], [-4]]}', told(longs(9007199254740993n, -4n), [2, 1])],
    ['{"predictions": [18446744073709551615]}', told(doubles(18446744073709552000), [1])],
    ['{"predictions": ["a", "NaN"]}', told({ case: "strings", value: { values: ["a", "NaN"] } }, [2])],
    ['{"predictions": [[true], [false]]}', told({ case: "bools", value: { values: [true, false] } }, [2, 1])],
    ["[3, 4]", told(longs(3n, 4n), [2])],
  ])("%s is a tensor", async (reply, predictions) => {
    expect((await read(reply)).predictions).toMatchObject(predictions);
  });

  it.each([
    ['{"predictions": [{"label": "a", "p": NaN}]}', { records: { records: [{ label: "a", p: null }] } }],
    ['{"predictions": [[1], [2, 3]]}', { value: [[1], [2, 3]] }],
    ['{"predictions": [1, null]}', { value: [1, null] }],
    ['{"predictions": [1, "a"]}', { value: [1, "a"] }],
    ['{"predictions": "NaN, they said"}', { value: "NaN, they said" }],
    ['{"predictions": []}', { value: [] }],
    ['{"choices": [{"n": 1}]}', { value: { choices: [{ n: 1 }] } }],
    [
      '{"predictions": [0.5], "model_version": "3"}',
      { tensor: { shape: [1], doubles: { values: [0.5] } }, extra: { model_version: "3" } },
    ],
  ])("%s is %j", async (reply, json) => {
    const { served: _, ...told } = toJson(
      PredictResponseSchema,
      create(PredictResponseSchema, await read(reply)),
    ) as Record<string, unknown>;
    expect(told).toEqual(json);
  });

  it("and what cannot be read is the model server's failure", async () => {
    upstream.next(answering('{"predictions": [1,}'));
    expect(await failure(predict(tensor(doubles(1))))).toMatchObject({
      code: "Unavailable",
      reason: "UPSTREAM_FAILED",
    });
  });
});

describe("a request is refused", () => {
  it.each<[string, Input, string]>([
    ["whose shape is another", tensor(doubles(1, 2, 3), [2, 2]), "tensor.shape"],
    ["with a dimension of none", tensor(doubles(), [2, 0]), "tensor.shape"],
    [
      "whose columns are uneven",
      {
        case: "table",
        value: {
          columns: [
            { name: "a", values: { values: doubles(1) } },
            { name: "b", values: { values: doubles(1, 2) } },
          ],
        },
      },
      "table.columns[1].values",
    ],
    ["without values", { case: "tensor", value: { shape: [1] } }, "tensor.values"],
    ["without an input", { case: undefined }, "input"],
  ])("%s", async (_, input, field) => {
    const before = upstream.hits;
    expect(await failure(predict(input))).toMatchObject({
      code: "InvalidArgument",
      reason: "FIELD_INVALID",
      violations: [{ field }],
    });
    expect(upstream.hits).toBe(before);
  });

  it("by a route that does something else", async () => {
    const asked = createClient(PredictionService, grpc()).predict({ model: "vectors", input: tensor(doubles(1)) });
    expect(await failure(asked)).toMatchObject({ code: "Unimplemented", reason: "OPERATION_UNSUPPORTED" });
  });

  it("by the model server, in its words", async () => {
    upstream.next(answering('{"error_code": "BAD_REQUEST", "message": "No column y."}', 400));
    expect(await failure(predict(tensor(doubles(1))))).toMatchObject({
      reason: "UPSTREAM_REJECTED",
      message: "No column y.",
    });
  });
});
