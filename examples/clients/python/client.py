"""Asks a gateway in every way that its protos have: a chat, a stream, and a route that is made, explained and deleted."""
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent / "gen"))

import grpc
from google.protobuf.struct_pb2 import Struct
from polygate.admin.v1 import route_admin_pb2, route_admin_pb2_grpc
from polygate.config.v1 import config_pb2
from polygate.v1 import chat_pb2, chat_pb2_grpc

KEY = os.environ.get("POLYGATE_KEY")
METADATA = [("authorization", f"Bearer {KEY}")] if KEY else []


def infer(channel):
    chat = chat_pb2_grpc.ChatServiceStub(channel)
    question = chat_pb2.ChatRequest(
        model="chat", messages=[chat_pb2.ChatMessage(role=chat_pb2.ROLE_USER, text="Hello")]
    )
    reply = chat.Chat(question, metadata=METADATA, timeout=30)
    print("chat:", reply.choices[0].message.text)
    pieces = chat.StreamChat(chat_pb2.StreamChatRequest(chat=question), metadata=METADATA, timeout=30)
    print("stream:", "".join(choice.delta.content for piece in pieces for choice in piece.choices))


def administer(channel):
    routes = route_admin_pb2_grpc.RouteAdminServiceStub(channel)
    model = config_pb2.Model(provider="simulator", name="simulator-chat")
    route = config_pb2.Route(name="made-by-python", route_type="llm/v1/chat", model=model, labels={"team": "examples"})
    create = route_admin_pb2.CreateRouteRequest(route=route)
    try:
        made = routes.CreateRoute(create, metadata=METADATA).route
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
            raise
        print("admin: this gateway has no store")
        return
    print("made:", made.name, "in revision", made.revision)
    request = Struct()
    request.update({"model": made.name, "messages": [{"role": "user", "content": "Hello"}]})
    told = routes.ExplainRoute(
        route_admin_pb2.ExplainRouteRequest(operation="chat", request=request), metadata=METADATA
    )
    print("explained:", told.targets[0].target.model.name)
    try:
        routes.CreateRoute(create, metadata=METADATA)
    except grpc.RpcError as error:
        print("made again:", error.code().name.lower())
    routes.DeleteRoute(route_admin_pb2.DeleteRouteRequest(name=made.name), metadata=METADATA)
    print("deleted")


if __name__ == "__main__":
    url = urlsplit(os.environ.get("POLYGATE_URL", "http://127.0.0.1:5000"))
    secure = url.scheme == "https"
    with grpc.secure_channel(url.netloc, grpc.ssl_channel_credentials()) if secure else grpc.insecure_channel(
        url.netloc
    ) as channel:
        infer(channel)
        administer(channel)
