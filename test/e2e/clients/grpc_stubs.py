"""Asks with grpcio through stubs made by grpcio-tools. argv: host:port, folder of the stubs. stdin: the request."""
import json
import sys

target, stubs = sys.argv[1:3]
sys.path.insert(0, stubs)

import grpc  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from grpc_status import rpc_status  # noqa: E402
from polygate.v1 import chat_pb2, chat_pb2_grpc, embeddings_pb2, embeddings_pb2_grpc, types_pb2  # noqa: E402

question = json.load(sys.stdin)


def request(model="chat"):
    messages = [
        chat_pb2.ChatMessage(role=chat_pb2.Role.Value(f"ROLE_{m['role'].upper()}"), text=m["content"])
        for m in question["messages"]
    ]
    rest = {name: value for name, value in question.items() if name != "messages"}
    return chat_pb2.ChatRequest(model=model, messages=messages, **rest)


def finish(number):
    return types_pb2.FinishReason.Name(number).removeprefix("FINISH_REASON_").lower()


def usage(u):
    return {name: getattr(u, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def failure(call):
    """What a refused call tells: its status and the details that it carries."""
    try:
        call()
    except grpc.RpcError as error:
        told = {"code": error.code().name, "message": error.details()}
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                told["reason"] = info.reason
            fields = error_details_pb2.BadRequest()
            if detail.Unpack(fields):
                told["fields"] = [violation.field for violation in fields.field_violations]
        return told
    return None


with grpc.insecure_channel(target) as channel:
    chat = chat_pb2_grpc.ChatServiceStub(channel)
    health = health_pb2_grpc.HealthStub(channel)
    embeddings = embeddings_pb2_grpc.EmbeddingsServiceStub(channel)

    answer = chat.Chat(request(), timeout=60)
    [choice] = answer.choices
    unary = {"text": choice.message.text, "finish": finish(choice.finish_reason), "usage": usage(answer.usage)}

    pieces = list(chat.StreamChat(chat_pb2.StreamChatRequest(chat=request()), timeout=60))
    deltas = [delta for piece in pieces for delta in piece.choices]
    texts = [delta.delta.content for delta in deltas if delta.delta.content]
    [ended] = [delta.finish_reason for delta in deltas if delta.finish_reason]
    stream = {"text": "".join(texts), "finish": finish(ended), "usage": usage(pieces[-1].usage), "pieces": len(texts)}

    embedded = embeddings.Embed(embeddings_pb2.EmbedRequest(model="embeddings", text="a cat"), timeout=60)
    print(
        json.dumps(
            {
                "unary": unary,
                "stream": stream,
                "served": [
                    {name: getattr(part.served, name) for name in ("route", "provider")} for part in (answer, pieces[-1])
                ],
                "dimensions": [len(item.embedding) for item in embedded.data],
                "unknown": failure(lambda: chat.Chat(request("no-such-route"), timeout=60)),
                "invalid": failure(lambda: chat.Chat(chat_pb2.ChatRequest(model="chat"), timeout=60)),
                "health": [
                    health_pb2.HealthCheckResponse.ServingStatus.Name(
                        health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60).status
                    )
                    for service in ("", "chat")
                ],
            }
        )
    )
