import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type PredictResponse,
  PredictResponseSchema,
  type Tensor,
  TensorSchema,
} from "../../../../gen/polygate/v1/predictions_pb.js";
import { Body } from "../../../core/body.ts";
import { asGatewayError, errors } from "../../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";

/** A model server's reply as a message. Throws UPSTREAM_FAILED when it is not JSON. */
export function responseOf(bytes: Buffer): PredictResponse {
  try {
    const body = Body.ofReply(bytes);
    const told = bytes.subarray(0, 64).toString("latin1").trimStart().startsWith("{")
      ? body.slice("predictions")
      : bytes;
    // A model that answers in words of its own, such as a chat's: all of it is its predictions.
    if (told === undefined) return create(PredictResponseSchema, { predictions: asValue(parse(bytes.toString())) });
    const predictions = predictionsOf(told.toString());
    const extra: JsonObject = {};
    const names = told === bytes ? [] : body.keys().filter((name) => name !== "predictions");
    for (const name of names) extra[name] = parse(body.slice(name)!.toString());
    return create(PredictResponseSchema, {
      predictions,
      ...(names.length > 0 && { extra: extra as { [key: string]: JsonValue } }),
    });
  } catch (thrown) {
    throw errors.upstreamFailed("The model server's answer is not the JSON that it should be.", asGatewayError(thrown));
  }
}

type Predictions = PredictResponse["predictions"];

function predictionsOf(text: string): Predictions {
  const json = parse(text);
  if (!Array.isArray(json) || json.length === 0) return asValue(json);
  if (json.every(isObject)) {
    return {
      case: "records",
      value: { $typeName: "polygate.v1.Records", records: json as { [key: string]: JsonValue }[] },
    };
  }
  const tensor = tensorOf(json, text);
  return tensor ? { case: "tensor", value: tensor } : asValue(json);
}

function asValue(json: Json): Predictions {
  return { case: "value", value: fromJson(ValueSchema, json as JsonValue) };
}

/** A list of lists, even and of one type, as a tensor; `undefined`: it is none. */
function tensorOf(json: Json[], text: string): Tensor | undefined {
  const shape: number[] = [];
  let first: Json | undefined = json;
  for (; Array.isArray(first); first = first[0]) shape.push(first.length);
  const numbers = !text.includes('"') && !/true|false/.test(text);
  const flat: Json[] = [];
  // What Python's missing numbers were read as: nothing else among numbers is null, or the tensor is none.
  if (!flatten(json, shape, 0, numbers && text.includes("null") ? undefined : typeof first, numbers, flat))
    return undefined;
  const values = numbers ? numbersOf(flat, text) : othersOf(flat);
  return values && create(TensorSchema, { shape, values });
}

function flatten(
  json: Json,
  shape: readonly number[],
  depth: number,
  type: string | undefined,
  numbers: boolean,
  into: Json[],
): boolean {
  if (depth < shape.length) {
    if (!Array.isArray(json) || json.length !== shape[depth]) return false;
    return json.every((one) => flatten(one, shape, depth + 1, type, numbers, into));
  }
  into.push(json);
  return numbers ? type !== undefined && (typeof json === "number" || json === null) : typeof json === type;
}

/** Longs as they are spelt, when no number has a fraction; else doubles. */
function numbersOf(flat: readonly Json[], text: string): Tensor["values"] {
  if (!/[.eEN]/.test(text) && !text.includes("I")) {
    const values = flat.every(Number.isSafeInteger)
      ? (flat as number[]).map(BigInt)
      : [...text.matchAll(/-?\d+/g)].map(([digits]) => BigInt(digits));
    if (values.every((one) => BigInt.asIntN(64, one) === one)) {
      return { case: "longs", value: { $typeName: "polygate.v1.Longs", values } };
    }
  }
  // What JSON has no word for, as it is spelt; the digits between are as many as the numbers.
  const missing = flat.includes(null) ? [...text.matchAll(/NaN|-?Infinity|-?\d[^,\]\s]*/g)] : [];
  const values = flat.map((one, at) => (one === null ? Number(missing[at]![0]) : (one as number)));
  return { case: "doubles", value: { $typeName: "polygate.v1.Doubles", values } };
}

function othersOf(flat: readonly Json[]): Tensor["values"] | undefined {
  if (typeof flat[0] === "string") {
    return { case: "strings", value: { $typeName: "polygate.v1.Strings", values: flat as string[] } };
  }
  if (typeof flat[0] === "boolean") {
    return { case: "bools", value: { $typeName: "polygate.v1.Bools", values: flat as boolean[] } };
  }
  return undefined;
}

/** JSON as Python writes it, whose `NaN` and infinities become null. */
function parse(text: string): Json {
  if (!/NaN|Infinity/.test(text)) return JSON.parse(text) as Json;
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|NaN|-?Infinity/g, (one) => (one.startsWith('"') ? one : "null"));
  return JSON.parse(plain) as Json;
}
