// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of processor/processor.proto for grpc-js.

import type { handleBidiStreamingCall, handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  CapabilitiesRequest,
  CapabilitiesResponse,
  DataMessage,
} from "../../messages/processor/processor.ts";

/** ProcessorService is what a processor offers to the pipeline that runs it. */
export type ProcessorServiceService = typeof ProcessorServiceService;
export const ProcessorServiceService = {
  /** Process takes a stream of messages and answers with a stream of messages, both open at the same time. */
  process: {
    path: "/obsrvr.flow.processor.ProcessorService/Process" as const,
    requestStream: true as const,
    responseStream: true as const,
    requestSerialize: (value: DataMessage): Buffer => Buffer.from(DataMessage.encode(value).finish()),
    requestDeserialize: (value: Buffer): DataMessage => DataMessage.decode(value),
    responseSerialize: (value: DataMessage): Buffer => Buffer.from(DataMessage.encode(value).finish()),
    responseDeserialize: (value: Buffer): DataMessage => DataMessage.decode(value),
  },
  /** GetCapabilities tells what the processor is and which event types it reads and writes. */
  getCapabilities: {
    path: "/obsrvr.flow.processor.ProcessorService/GetCapabilities" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: CapabilitiesRequest): Buffer => Buffer.from(CapabilitiesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): CapabilitiesRequest => CapabilitiesRequest.decode(value),
    responseSerialize: (value: CapabilitiesResponse): Buffer =>
      Buffer.from(CapabilitiesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): CapabilitiesResponse => CapabilitiesResponse.decode(value),
  },
} as const;

export interface ProcessorServiceServer extends UntypedServiceImplementation {
  /** Process takes a stream of messages and answers with a stream of messages, both open at the same time. */
  process: handleBidiStreamingCall<DataMessage, DataMessage>;
  /** GetCapabilities tells what the processor is and which event types it reads and writes. */
  getCapabilities: handleUnaryCall<CapabilitiesRequest, CapabilitiesResponse>;
}
