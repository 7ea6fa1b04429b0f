import type { GatewayError, ReasonRow } from "../../core/errors.ts";

/** How errors end that say no more than their row, made once. */
const ends = new Map<ReasonRow, string>();

/**
 * `{"error": {message, type, param, code}}`, as OpenAI's SDKs read it. A provider's own type and code are kept, so that what a
 * client matches on is what it would see without a gateway.
 * @see https://platform.openai.com/docs/guides/error-codes/api-errors
 */
export function openAIError({ fault, row, message }: GatewayError): string {
  const isPlain = fault.type === undefined && fault.param === undefined && fault.code === undefined;
  const end = isPlain
    ? (ends.get(row) ?? plainEnd(row))
    : endOf(fault.type ?? row.type, fault.param, fault.code === undefined ? row.code : fault.code);
  return `{"error":{"message":${JSON.stringify(message)}${end}`;
}

function plainEnd(row: ReasonRow): string {
  const end = endOf(row.type, null, row.code);
  ends.set(row, end);
  return end;
}

function endOf(type: string, param: string | null | undefined, code: string | null): string {
  return `,${JSON.stringify({ type, param: param ?? null, code }).slice(1)}}`;
}
