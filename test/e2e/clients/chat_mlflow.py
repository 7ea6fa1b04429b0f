"""Asks through the MLflow classes of a current langchain-community. argv: base URL. stdin: the request. stdout: what came, as JSON."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

from langchain_community.chat_models import ChatMlflow  # noqa: E402
from langchain_community.embeddings import MlflowEmbeddings  # noqa: E402
from langchain_community.llms import Mlflow  # noqa: E402
from langchain_core.messages import HumanMessage  # noqa: E402
from langchain_core.tools import tool  # noqa: E402

[base_url] = sys.argv[1:2]
question = json.load(sys.stdin)
messages = [(one["role"], one["content"]) for one in question["messages"]]
settings = {name: question[name] for name in ("temperature", "max_tokens")}


@tool
def get_weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: {days} days of rain"


chat = ChatMlflow(target_uri=base_url, endpoint="chat", **settings)
llm = Mlflow(target_uri=base_url, endpoint="completions", max_tokens=50)
embeddings = MlflowEmbeddings(target_uri=base_url, endpoint="embeddings")
several = ChatMlflow(target_uri=base_url, endpoint="chat", n=2)
asked = chat.bind_tools([get_weather]).invoke("call get_weather")
[call] = asked.tool_calls
print(
    json.dumps(
        {
            "text": chat.invoke(messages).content,
            "several": len(several.generate([[HumanMessage("hi")]]).generations[0]),
            "call": {"name": call["name"], "args": {name: type(of).__name__ for name, of in call["args"].items()}},
            "completion": llm.invoke("Once upon a time"),
            "stopped": llm.invoke("Once upon a time", stop=["(simulated"]),
            "dimensions": [len(vector) for vector in embeddings.embed_documents(["a cat", "a cat!"])],
            "query": embeddings.embed_query("a cat") == embeddings.embed_documents(["a cat"])[0],
        }
    )
)
