"""Asks through OpenAI's Python SDK. argv: base URL, and a path for chats alone (else all at /v1). stdin: the request. stdout: what came, as JSON."""
import json
import sys

from openai import NotFoundError, OpenAI

base_url, *paths = sys.argv[1:]
question = json.load(sys.stdin)
client = OpenAI(base_url=base_url + (paths or ["/v1"])[0], api_key="none", max_retries=0, timeout=60)


def usage(u):
    return {name: getattr(u, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def unary():
    answer = client.chat.completions.create(model="chat", **question)
    [choice] = answer.choices
    return {"text": choice.message.content, "finish": choice.finish_reason, "usage": usage(answer.usage)}


def stream():
    pieces, finish, used = [], None, None
    chunks = client.chat.completions.create(model="chat", stream=True, stream_options={"include_usage": True}, **question)
    for chunk in chunks:
        for choice in chunk.choices:
            if choice.delta.content:
                pieces.append(choice.delta.content)
            finish = choice.finish_reason or finish
        used = chunk.usage or used
    return {"text": "".join(pieces), "finish": finish, "usage": usage(used), "pieces": len(pieces)}


def others():
    vectors = client.embeddings.create(model="embeddings", input=["a cat", "a cat!"])
    text = client.completions.create(model="completions", prompt="Once upon a time", max_tokens=50)
    try:
        client.chat.completions.create(model="no-such-route", **question)
        unknown = None
    except NotFoundError as error:
        unknown = error.code
    return {
        "models": [model.id for model in client.models.list()],
        "dimensions": [len(item.embedding) for item in vectors.data],
        "completion": text.choices[0].text,
        "unknown": unknown,
    }


print(json.dumps({"unary": unary(), "stream": stream(), **({} if paths else {"others": others()})}))
