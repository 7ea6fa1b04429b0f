import type { GatewayError } from "../../core/errors.ts";

/**
 * `{"error": {message, type, param, code}}`, as OpenAI's SDKs read it. A provider's own type and code are kept, so that what a
 * client matches on is what it would see without a gateway.
 * @see https://platform.openai.com/docs/guides/error-codes/api-errors
 */
export function openAIError(error: GatewayError): string {
  const { fault, row } = error;
  return JSON.stringify({
    error: {
      message: error.message,
      type: fault.type ?? row.type,
      param: fault.param ?? null,
      code: fault.code === undefined ? row.code : fault.code,
    },
  });
}
