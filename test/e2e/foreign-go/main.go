// A component that shares no code with Beamline: grpc-go, messages and services generated from proto/.
//
// Reads calls as JSON lines from standard input, makes each, writes each answer as a JSON line, as components.py does:
//
//	{"service": "ControlPlane", "method": "RegisterProcessor", "request": {...}}
//	{"response": {...}} or {"code": "NOT_FOUND", "message": "...", "reason": "...", "violations": ["field RULE"]}
//
// A stream takes a list of requests, or gives as many responses as `take` says. The argument is the address of the
// control plane.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	controlv1 "beamline.test/components/gen/beamline/control/v1"
	"beamline.test/components/gen/controlplane"
	flowctlv1 "beamline.test/components/gen/flowctl/v1"
)

const (
	timeout      = 10 * time.Second
	maxLineBytes = 16 << 20
)

var services = map[string]grpc.ServiceDesc{
	"ControlPlane":        controlplane.ControlPlane_ServiceDesc,
	"Registry":            controlv1.Registry_ServiceDesc,
	"ControlPlaneService": flowctlv1.ControlPlaneService_ServiceDesc,
}

type call struct {
	Service  string            `json:"service"`
	Method   string            `json:"method"`
	Request  json.RawMessage   `json:"request"`
	Requests []json.RawMessage `json:"requests"`
	Take     int               `json:"take"`
}

type answer struct {
	Response   json.RawMessage   `json:"response,omitempty"`
	Responses  []json.RawMessage `json:"responses,omitempty"`
	Code       string            `json:"code,omitempty"`
	Message    string            `json:"message,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Violations []string          `json:"violations,omitempty"`
}

// method is what the generated code knows of a call: its path and its two messages.
type method struct {
	path          string
	input, output protoreflect.MessageType
}

func find(service grpc.ServiceDesc, name string) (method, error) {
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service.ServiceName))
	if err != nil {
		return method{}, err
	}
	described := descriptor.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(name))
	input, err := protoregistry.GlobalTypes.FindMessageByName(described.Input().FullName())
	if err != nil {
		return method{}, err
	}
	output, err := protoregistry.GlobalTypes.FindMessageByName(described.Output().FullName())
	return method{"/" + service.ServiceName + "/" + name, input, output}, err
}

func (m method) request(text json.RawMessage) (proto.Message, error) {
	message := m.input.New().Interface()
	return message, protojson.Unmarshal(text, message)
}

func toJSON(message proto.Message) (json.RawMessage, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
}

func perform(connection *grpc.ClientConn, c call) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	m, err := find(services[c.Service], c.Method)
	if err != nil {
		return answer{}, err
	}
	if c.Requests == nil && c.Take == 0 {
		request, err := m.request(c.Request)
		if err != nil {
			return answer{}, err
		}
		response := m.output.New().Interface()
		if err := connection.Invoke(ctx, m.path, request, response); err != nil {
			return answer{}, err
		}
		text, err := toJSON(response)
		return answer{Response: text}, err
	}
	return performStream(ctx, connection, m, c)
}

func performStream(ctx context.Context, connection *grpc.ClientConn, m method, c call) (answer, error) {
	requests, take := c.Requests, c.Take
	if requests == nil {
		requests = []json.RawMessage{c.Request}
	} else {
		take = len(requests)
	}
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, m.path)
	if err != nil {
		return answer{}, err
	}
	for _, text := range requests {
		request, err := m.request(text)
		if err != nil {
			return answer{}, err
		}
		if err := stream.SendMsg(request); err != nil {
			return answer{}, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return answer{}, err
	}
	all := answer{}
	for range take {
		response := m.output.New().Interface()
		if err := stream.RecvMsg(response); err != nil {
			return answer{}, err
		}
		text, err := toJSON(response)
		if err != nil {
			return answer{}, err
		}
		all.Responses = append(all.Responses, text)
	}
	return all, nil
}

func describe(err error) answer {
	failed := status.Convert(err)
	described := answer{Code: code.Code(failed.Code()).String(), Message: failed.Message()}
	for _, detail := range failed.Details() {
		switch one := detail.(type) {
		case *errdetails.ErrorInfo:
			described.Reason = one.Reason
		case *errdetails.BadRequest:
			for _, violation := range one.FieldViolations {
				described.Violations = append(described.Violations, violation.Field+" "+violation.Reason)
			}
		}
	}
	return described
}

func main() {
	delays := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 500 * time.Millisecond}
	connection, err := grpc.NewClient(os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: delays, MinConnectTimeout: time.Second}))
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<16), maxLineBytes)
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		answered, err := perform(connection, c)
		if err != nil {
			answered = describe(err)
		}
		if err := output.Encode(answered); err != nil {
			panic(err)
		}
	}
}
