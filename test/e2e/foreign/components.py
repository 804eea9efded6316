"""A component that shares no code with Beamline: grpcio, messages and stubs compiled from proto/.

Reads calls as JSON lines from standard input, makes each, writes each answer as a JSON line:
  {"service": "ControlPlane", "method": "RegisterProcessor", "request": {...}}
  {"response": {...}} or {"code": "NOT_FOUND", "message": "...", "reason": "...", "violations": ["field RULE"]}
A stream takes a list of requests, or gives as many responses as `take` says:
  {"service": "Registry", "method": "Heartbeats", "requests": [...]}   {"responses": [...]}
  {"service": "Registry", "method": "Watch", "request": {...}, "take": 2}   {"responses": [...]}
The first argument is the folder of the compiled messages, the second the address of the control plane.
"""

import json
import sys

import grpc

sys.path.insert(0, sys.argv[1])

from google.protobuf import json_format  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from beamline.control.v1 import registry_pb2, registry_pb2_grpc  # noqa: E402
from controlplane import controlplane_pb2, controlplane_pb2_grpc  # noqa: E402
from flowctl.v1 import control_plane_pb2, control_plane_pb2_grpc  # noqa: E402

TIMEOUT_S = 10
OPTIONS = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
channel = grpc.insecure_channel(sys.argv[2], OPTIONS)
SERVICES = {
    "ControlPlane": (controlplane_pb2, controlplane_pb2_grpc.ControlPlaneStub(channel)),
    "Registry": (registry_pb2, registry_pb2_grpc.RegistryStub(channel)),
    "ControlPlaneService": (control_plane_pb2, control_plane_pb2_grpc.ControlPlaneServiceStub(channel)),
}


def to_dict(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def call(case):
    module, stub = SERVICES[case["service"]]
    method = getattr(stub, case["method"])
    descriptor = module.DESCRIPTOR.services_by_name[case["service"]].methods_by_name[case["method"]]
    make = lambda request: json_format.ParseDict(request, getattr(module, descriptor.input_type.name)())
    if "requests" in case:
        answers = method(iter([make(request) for request in case["requests"]]), timeout=TIMEOUT_S)
        return {"responses": [to_dict(answer) for answer in answers]}
    if "take" in case:
        stream = method(make(case["request"]), timeout=TIMEOUT_S)
        answers = [to_dict(next(stream)) for _ in range(case["take"])]
        stream.cancel()
        return {"responses": answers}
    return {"response": to_dict(method(make(case["request"]), timeout=TIMEOUT_S))}


def describe(error):
    answer = {"code": error.code().name, "message": error.details()}
    for key, value in error.trailing_metadata() or []:
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                answer["reason"] = info.reason
            if detail.Unpack(bad):
                answer["violations"] = [f"{one.field} {one.reason}" for one in bad.field_violations]
    return answer


for line in sys.stdin:
    try:
        answer = call(json.loads(line))
    except grpc.RpcError as error:
        answer = describe(error)
    print(json.dumps(answer), flush=True)
