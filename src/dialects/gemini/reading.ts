import type { Reading } from "../../core/provider.ts";
import { embeddingsFrom } from "./embeddings-in.ts";
import { chatFrom } from "./reply-in.ts";
import { chatStream } from "./stream-in.ts";

/**
 * How Gemini's chats are read.
 *
 * @param wallNow Milliseconds since 1970: Google's answers do not say when they were made.
 */
export function geminiChat(wallNow: () => number): Reading {
  const created = () => Math.floor(wallNow() / 1000);
  return {
    reply: (call, json) => chatFrom(call, json, created()),
    stream: (call, on) => chatStream(call, on, created()),
  };
}

/** How Gemini's embeddings are read. */
export const geminiEmbeddings: Reading = { reply: embeddingsFrom };
