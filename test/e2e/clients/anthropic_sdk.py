"""Asks through Anthropic's Python SDK. argv: base URL, key, route. stdout: what came, as JSON."""
import json
import sys

from anthropic import Anthropic, NotFoundError

base_url, key, route = sys.argv[1:4]
client = Anthropic(base_url=base_url, api_key=key, max_retries=0, timeout=60)
TOOLS = [
    {
        "name": "get_weather",
        "description": "Tells the weather.",
        "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}},
    }
]
question = {"model": route, "max_tokens": 256, "messages": [{"role": "user", "content": "Hello"}]}


def told(message):
    usage = {name: getattr(message.usage, name) for name in ("input_tokens", "output_tokens")}
    content = [block.model_dump(exclude_none=True) for block in message.content]
    return {"content": content, "stop_reason": message.stop_reason, "usage": usage}


def unary(**more):
    return told(client.messages.create(**question, **more))


def stream(**more):
    pieces = 0
    with client.messages.stream(**question, **more) as events:
        for event in events:
            pieces += event.type == "content_block_delta"
        return {**told(events.get_final_message()), "pieces": pieces}


def unknown():
    try:
        client.messages.create(**{**question, "model": "no-such-route"})
    except NotFoundError as error:
        return error.body["error"]["type"]


print(
    json.dumps(
        {
            "text": {"unary": unary(), "stream": stream()},
            "tools": {"unary": unary(tools=TOOLS), "stream": stream(tools=TOOLS)},
            "models": [model.id for model in client.models.list()],
            "unknown": unknown(),
        }
    )
)
