"""A client that shares no code with Beamline: nats-py and protobuf, messages compiled from proto/.

Reads requests as JSON lines from standard input, sends each to NATS, writes each answer as a JSON line:
  {"encoding": "protobuf" | "json" | "raw", "request": {...} | "text", "headers": {...}, "subject": "..."}
  {"headers": {...}, "decision": {...}} or {"headers": {...}, "error": {...}}
The first argument is the folder of the compiled messages, the second the URL of NATS.
"""

import asyncio
import json
import sys

import nats

sys.path.insert(0, sys.argv[1])

from google.protobuf import json_format  # noqa: E402
from beamline.flow.v1 import flow_pb2  # noqa: E402

TIMEOUT_S = 10


def encode(case):
    if case["encoding"] == "protobuf":
        return json_format.ParseDict(case["request"], flow_pb2.RouteRequest()).SerializeToString()
    if case["encoding"] == "json":
        return json.dumps(case["request"]).encode()
    return bytes.fromhex(case["request"])


def decode(reply):
    headers = dict(reply.headers or {})
    if headers.get("Content-Type") == "application/x-protobuf":
        decision = flow_pb2.RouteDecision.FromString(reply.data)
        # Zeros too, as the router's JSON answers have them.
        fields = json_format.MessageToDict(decision, always_print_fields_with_no_presence=True)
        return {"headers": headers, "decision": fields}
    body = json.loads(reply.data)
    return {"headers": headers, "error" if body.get("ok") is False else "decision": body}


async def main():
    client = await nats.connect(sys.argv[2])
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        case = json.loads(line)
        subject = case.get("subject", "beamline.router.v1.decide")
        try:
            reply = await client.request(subject, encode(case), timeout=TIMEOUT_S, headers=case.get("headers"))
            answer = decode(reply)
        except Exception as error:  # The test decides what a failure means.
            answer = {"failure": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    await client.close()


asyncio.run(main())
