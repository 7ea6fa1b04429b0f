/** What OpenAI's JSON has and a descriptor does not say. */
export interface Facts {
  /** The constant `object` member of a message, by its type name. Written always; a reply's own is not kept. */
  readonly objects: Readonly<Record<string, string>>;
  /** Other names under which providers send a field; read, never written. */
  readonly aliases: Readonly<Record<string, string>>;
  /**
   * Names at the root of a message that belong to the gateway: as a field they are not mapped, as a member they are
   * dropped, so that no caller sets `stream` behind the method's back and no provider says who served a call.
   */
  readonly own: readonly string[];
}

/** For the messages of `polygate.v1`. */
export const openai: Facts = {
  objects: {
    "polygate.v1.ChatResponse": "chat.completion",
    "polygate.v1.StreamChatResponse": "chat.completion.chunk",
    "polygate.v1.CompleteResponse": "text_completion",
    "polygate.v1.StreamCompleteResponse": "text_completion",
    "polygate.v1.EmbedResponse": "list",
    "polygate.v1.Embedding": "embedding",
  },
  // OpenRouter and newer vLLM say `reasoning`; DeepSeek, xAI, Qwen and older vLLM say this.
  aliases: { reasoning_content: "reasoning" },
  own: ["served", "stream"],
};
