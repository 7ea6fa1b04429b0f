"""Asks through ChatOpenAI of langchain-openai. argv: base URL, to which OpenAI's paths are added. stdin: the request.

stdout: what came, as JSON.
"""
import json
import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

[base_url] = sys.argv[1:2]
question = json.load(sys.stdin)
messages = [(one["role"], one["content"]) for one in question["messages"]]
settings = {name: question[name] for name in ("temperature", "max_tokens")}


@tool
def get_weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: {days} days of rain"


def told(message, **more):
    names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens", "total_tokens": "total_tokens"}
    usage = {name: message.usage_metadata[theirs] for name, theirs in names.items()}
    return {"text": message.content, "finish": message.response_metadata["finish_reason"], "usage": usage, **more}


def streamed(model, prompt):
    chunks = list(model.stream(prompt))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole, sum(1 for chunk in chunks if chunk.content)


def called(message):
    return [{"name": one["name"], "args": {name: type(of).__name__ for name, of in one["args"].items()}} for one in message.tool_calls]


chat = ChatOpenAI(base_url=base_url, api_key="none", model="chat", max_retries=0, stream_usage=True, **settings)
tools = chat.bind_tools([get_weather])
whole, pieces = streamed(chat, messages)
asked = tools.invoke("call get_weather")
asked_by_stream, _ = streamed(tools, "call get_weather")
[call] = asked.tool_calls
result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
print(
    json.dumps(
        {
            "unary": told(chat.invoke(messages)),
            "stream": told(whole, pieces=pieces),
            "called": [called(asked), called(asked_by_stream)],
            "after": tools.invoke([HumanMessage("call get_weather"), asked, result]).content,
        }
    )
)
