import type { JsonObject } from "../../core/json.ts";
import { Refusal, texts, whole } from "./request.ts";
import { hash32 } from "./seed.ts";
import { countTokens } from "./tokens.ts";

const DEFAULT_DIMENSIONS = 256;
const MAX_DIMENSIONS = 4096;
const MAX_INPUTS = 2048;
/** Most tokens in one request, which is OpenAI's limit. */
const MAX_TOKENS = 300_000;
/** Most numbers in one answer: about 20 MB of JSON. */
const MAX_NUMBERS = 1_000_000;

/**
 * A whole reply: one vector for each text, in their order. https://platform.openai.com/docs/api-reference/embeddings/object
 * Throws `Refusal` for what OpenAI would refuse too, and for more than a million numbers.
 */
export function embeddingsReply(request: JsonObject, model: string): JsonObject {
  const inputs = texts(request, "input", MAX_INPUTS);
  if (inputs.includes("")) throw new Refusal("input must not be an empty text.", "input");
  const dimensions = whole(request, "dimensions", 1, MAX_DIMENSIONS) ?? DEFAULT_DIMENSIONS;
  if (inputs.length * dimensions > MAX_NUMBERS) {
    throw new Refusal(`The simulator makes at most ${MAX_NUMBERS} numbers; send fewer texts at a time.`, "input");
  }
  const format = request["encoding_format"] ?? "float";
  if (format !== "float" && format !== "base64") {
    throw new Refusal("encoding_format must be float or base64.", "encoding_format");
  }
  const tokens = inputs.reduce((sum, text) => sum + countTokens(text), 0);
  if (tokens > MAX_TOKENS) throw new Refusal(`input has ${tokens} tokens; at most ${MAX_TOKENS} are read.`, "input");
  const data = inputs.map((text, index) => {
    const vector = embed(text, dimensions);
    return { object: "embedding", index, embedding: format === "base64" ? base64(vector) : [...vector].map(short) };
  });
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/**
 * A vector of length 1 for a text. Its words and the groups of three characters in them are hashed to places of the
 * vector, so texts that share words, or parts of words, point the same way; case, spacing and punctuation make no difference. It knows
 * nothing of meaning.
 */
export function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const plain = text.normalize("NFKC").toLowerCase();
  for (const word of plain.match(/[\p{L}\p{N}]+/gu) ?? [plain]) {
    const framed = `<${word}>`;
    add(vector, framed, 1);
    for (let at = 0; at + 3 <= framed.length; at++) add(vector, framed.slice(at, at + 3), 0.5);
  }
  // With few dimensions the features may cancel out.
  if (norm(vector) === 0) vector[hash32(text) % dimensions] = 1;
  const length = norm(vector);
  return vector.map((value) => value / length);
}

function norm(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** The sign comes from another bit than the place, so that texts without a common feature are at right angles on average. */
function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = hash32(feature);
  const place = (hash >>> 1) % vector.length;
  vector[place]! += hash & 1 ? weight : -weight;
}

/** Nine digits tell every 32-bit float from its neighbours. */
const short = (value: number) => Number(value.toPrecision(9));

/** 32-bit floats, little endian. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString("base64");
}
