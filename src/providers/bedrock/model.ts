import { escaped } from "./sign.ts";

/** The path of one of a model's actions. A model may be an id, an inference profile, or an address (ARN), escaped whole. */
export function modelPath(prefix: string, model: string, action: string): string {
  return `${prefix}/model/${escaped(model)}/${action}`;
}

/**
 * The model's plain id: `anthropic.claude-sonnet-4-6` of `eu.anthropic.claude-sonnet-4-6` and of
 * `arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6`. Addresses of a customer's own do not tell it; they
 * stay as they are.
 */
export function plainModel(model: string): string {
  const last = model.startsWith("arn:") ? model.slice(model.lastIndexOf("/") + 1) : model;
  return last.replace(/^(?:us-gov|[a-z]{2}|apac|global|amer|emea)\.(?=[a-z0-9]+\.)/, "");
}
