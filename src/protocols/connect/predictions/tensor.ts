import type { Column, Tensor } from "../../../../gen/polygate/v1/predictions_pb.js";
import { errors } from "../../../core/errors.ts";

/**
 * A tensor as JSON text that Python reads with the same types: a double has a fraction, a long has all of its digits.
 * Throws FIELD_INVALID when its shape is not that of its values.
 *
 * @param path Of the tensor, for the error.
 */
export function tensorText(tensor: Tensor, path: string): string {
  const texts = textsOf(tensor);
  return nested(texts, shapeOf(tensor, texts.length, path), 0, 0);
}

/** The rows of a column, each as JSON text. */
export function rowTexts({ values }: Column, path: string): string[] {
  const texts = textsOf(values!);
  const shape = shapeOf(values!, texts.length, `${path}.values`);
  const [rows] = shape;
  const size = rows === 0 ? 0 : texts.length / rows!;
  return Array.from({ length: rows! }, (_, row) => nested(texts, shape, 1, row * size));
}

function shapeOf({ shape }: Tensor, count: number, path: string): readonly number[] {
  if (shape.length === 0) return [count];
  const [, ...inner] = shape;
  if (inner.includes(0)) throw wrong(`${path}.shape`, "only the first dimension may be 0");
  const product = shape.reduce((all, one) => all * one, 1);
  if (product !== count) {
    throw wrong(`${path}.shape`, `is of ${product} values, and there are ${count}`);
  }
  return shape;
}

function nested(texts: readonly string[], shape: readonly number[], depth: number, from: number): string {
  if (depth === shape.length) return texts[from]!;
  const length = shape[depth]!;
  if (depth === shape.length - 1) return `[${texts.slice(from, from + length).join(",")}]`;
  let size = 1;
  for (let i = depth + 1; i < shape.length; i++) size *= shape[i]!;
  const parts = Array.from({ length }, (_, at) => nested(texts, shape, depth + 1, from + at * size));
  return `[${parts.join(",")}]`;
}

function textsOf({ values }: Tensor): string[] {
  switch (values.case) {
    case "doubles":
      return values.value.values.map(doubleText);
    case "floats":
      return values.value.values.map(floatText);
    case "longs":
      return values.value.values.map(String);
    case "strings":
      return values.value.values.map((text) => JSON.stringify(text));
    case "bools":
      return values.value.values.map(String);
    default:
      return [];
  }
}

/** As Python writes it: `5.0`, `NaN`, `-Infinity`. */
export function doubleText(value: number): string {
  // JSON has no minus zero, and JavaScript does not write it.
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  return /[.eNI]/.test(text) ? text : `${text}.0`;
}

/** The shortest digits that name a number of 32 bits: 0.1, and not what it is among those of 64. */
function floatText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(Number.isFinite(value) ? Number(value.toPrecision(9)) : value);
}

export function wrong(field: string, description: string) {
  return errors.fieldInvalid([{ field, description }]);
}
