// Asks a gateway in every way that its protos have: a chat, a stream, and a route that is made, explained and deleted.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "example.com/polygate-client/gen/polygate/admin/v1"
	"example.com/polygate-client/gen/polygate/admin/v1/adminv1connect"
	configv1 "example.com/polygate-client/gen/polygate/config/v1"
	polygatev1 "example.com/polygate-client/gen/polygate/v1"
	"example.com/polygate-client/gen/polygate/v1/polygatev1connect"
)

func main() {
	url := os.Getenv("POLYGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:5000"
	}
	ctx := context.Background()
	// Leave out connect.WithGRPC for Connect over HTTP/1.1.
	options := []connect.ClientOption{connect.WithGRPC(), connect.WithInterceptors(withKey(os.Getenv("POLYGATE_KEY")))}
	client := &http.Client{Transport: http2Transport()}
	if err := infer(ctx, polygatev1connect.NewChatServiceClient(client, url, options...)); err != nil {
		log.Fatal(err)
	}
	if err := administer(ctx, adminv1connect.NewRouteAdminServiceClient(client, url, options...)); err != nil {
		log.Fatal(err)
	}
}

func infer(ctx context.Context, chat polygatev1connect.ChatServiceClient) error {
	question := &polygatev1.ChatRequest{
		Model: "chat",
		Messages: []*polygatev1.ChatMessage{{
			Role:    polygatev1.Role_ROLE_USER,
			Content: &polygatev1.ChatMessage_Text{Text: "Hello"},
		}},
	}
	reply, err := chat.Chat(ctx, connect.NewRequest(question))
	if err != nil {
		return err
	}
	fmt.Println("chat:", reply.Msg.GetChoices()[0].GetMessage().GetText())

	stream, err := chat.StreamChat(ctx, connect.NewRequest(&polygatev1.StreamChatRequest{Chat: question}))
	if err != nil {
		return err
	}
	defer stream.Close()
	fmt.Print("stream: ")
	for stream.Receive() {
		for _, choice := range stream.Msg().GetChoices() {
			fmt.Print(choice.GetDelta().GetContent())
		}
	}
	fmt.Println()
	return stream.Err()
}

func administer(ctx context.Context, routes adminv1connect.RouteAdminServiceClient) error {
	settings, err := structpb.NewStruct(map[string]any{})
	if err != nil {
		return err
	}
	route := &configv1.Route{
		Name:      "made-by-go",
		RouteType: "llm/v1/chat",
		Model:     &configv1.Model{Provider: "simulator", Name: "simulator-chat", Config: settings},
		Labels:    map[string]string{"team": "examples"},
	}
	made, err := routes.CreateRoute(ctx, connect.NewRequest(&adminv1.CreateRouteRequest{Route: route}))
	if connect.CodeOf(err) == connect.CodeFailedPrecondition {
		fmt.Println("admin: this gateway has no store")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println("made:", made.Msg.GetRoute().GetName(), "in revision", made.Msg.GetRoute().GetRevision())

	request, err := structpb.NewStruct(map[string]any{
		"model":    "made-by-go",
		"messages": []any{map[string]any{"role": "user", "content": "Hello"}},
	})
	if err != nil {
		return err
	}
	told, err := routes.ExplainRoute(ctx, connect.NewRequest(&adminv1.ExplainRouteRequest{Operation: "chat", Request: request}))
	if err != nil {
		return err
	}
	fmt.Println("explained:", told.Msg.GetTargets()[0].GetTarget().GetModel().GetName())

	_, err = routes.CreateRoute(ctx, connect.NewRequest(&adminv1.CreateRouteRequest{Route: route}))
	var refused *connect.Error
	if errors.As(err, &refused) {
		fmt.Println("made again:", refused.Code())
	}
	if _, err := routes.DeleteRoute(ctx, connect.NewRequest(&adminv1.DeleteRouteRequest{Name: "made-by-go"})); err != nil {
		return err
	}
	fmt.Println("deleted")
	return nil
}

// withKey sends the key with every call, streams too.
func withKey(key string) connect.Interceptor { return bearer(key) }

type bearer string

func (key bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		key.sign(request.Header())
		return next(ctx, request)
	}
}

func (key bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		key.sign(conn.RequestHeader())
		return conn
	}
}

func (key bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (key bearer) sign(header http.Header) {
	if key != "" {
		header.Set("Authorization", "Bearer "+string(key))
	}
}

// http2Transport speaks HTTP/2 without TLS, too.
func http2Transport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{Protocols: protocols}
}
