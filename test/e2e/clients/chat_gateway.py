"""Asks through the AI gateway classes of langchain 0.0.343. argv: base URL. stdin: the request. stdout: what came, as JSON."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

from langchain.chat_models import ChatMLflowAIGateway  # noqa: E402
from langchain.embeddings import MlflowAIGatewayEmbeddings  # noqa: E402
from langchain.llms import MlflowAIGateway  # noqa: E402
from langchain.schema import HumanMessage, SystemMessage  # noqa: E402

[base_url] = sys.argv[1:2]
question = json.load(sys.stdin)
kinds = {"system": SystemMessage, "user": HumanMessage}
messages = [kinds[one["role"]](content=one["content"]) for one in question["messages"]]
params = {name: question[name] for name in ("temperature", "max_tokens")}

chat = ChatMLflowAIGateway(gateway_uri=base_url, route="chat", params=params)
several = ChatMLflowAIGateway(gateway_uri=base_url, route="chat", params={"temperature": 0.5, "candidate_count": 2})
llm = MlflowAIGateway(gateway_uri=base_url, route="completions", params={"temperature": 0.1, "max_tokens": 50})
embeddings = MlflowAIGatewayEmbeddings(gateway_uri=base_url, route="embeddings")
[[generation]] = chat.generate([messages]).generations
print(
    json.dumps(
        {
            "text": chat(messages).content,
            "finish": generation.generation_info["finish_reason"],
            "several": len(several.generate([messages]).generations[0]),
            "completion": llm("Once upon a time"),
            "stopped": llm("Once upon a time", stop=["(simulated"]),
            # It nests them one list too deep.
            "dimensions": [len(vector) for chunk in embeddings.embed_documents(["a cat", "a cat!"]) for vector in chunk],
        }
    )
)
