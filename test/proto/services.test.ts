// The services of gen/grpc call what the descriptors say, and foreign packages have the names and numbers of their clients.
import assert from "node:assert/strict";
import type { DescField, FileRegistry } from "@bufbuild/protobuf";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { before, describe, it } from "mocha";
import { fileDescriptors } from "../../proto/gen/descriptors.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { RouterAdminService } from "../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import { RouterService } from "../../proto/gen/grpc/beamline/flow/v1/flow.ts";
import { ProviderService } from "../../proto/gen/grpc/beamline/provider/v1/provider.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ExternalScalerService } from "../../proto/gen/grpc/externalscaler/externalscaler.ts";
import { ControlPlaneServiceService } from "../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import { ProcessorServiceService } from "../../proto/gen/grpc/processor/processor.ts";
import { RegisterProcessorRequest } from "../../proto/gen/messages/controlplane/controlplane.ts";
import { buildRegistry, protoDir } from "../../proto/scripts/buf.ts";
import { renderServices } from "../../proto/scripts/services.ts";

const SERVICES: Readonly<Record<string, ServiceDefinition>> = {
  "beamline.control.v1.Registry": RegistryService,
  "beamline.flow.v1.Router": RouterService,
  "beamline.flow.v1.RouterAdmin": RouterAdminService,
  "beamline.provider.v1.Provider": ProviderService,
  "externalscaler.ExternalScaler": ExternalScalerService,
  "flowctl.v1.ControlPlaneService": ControlPlaneServiceService,
  "grpc.health.v1.Health": HealthService,
  "obsrvr.flow.controlplane.ControlPlane": ControlPlaneService,
  "obsrvr.flow.processor.ProcessorService": ProcessorServiceService,
};

/** Fields of foreign messages as their published clients have them: `number name type`. */
const FOREIGN: Readonly<Record<string, string>> = {
  "flowctl.v1.ComponentInfo":
    "1 id string, 2 name string, 3 description string, 4 version string, 5 type ComponentType, 6 input_event_types string[], 7 output_event_types string[], 8 endpoint string, 9 metadata map",
  "flowctl.v1.RegisterRequest": "1 component ComponentInfo, 2 component_id string",
  "flowctl.v1.RegisterResponse": "1 service_id string, 2 assigned_topics string[], 3 connection_info map",
  "flowctl.v1.UnregisterRequest": "1 service_id string",
  "flowctl.v1.DiscoveryRequest": "1 type ComponentType, 2 event_types string[], 3 metadata_filters map",
  "flowctl.v1.DiscoveryResponse": "1 components ComponentInfo[]",
  "flowctl.v1.HeartbeatRequest": "1 service_id string, 2 status HealthStatus, 3 metrics map",
  "flowctl.v1.ComponentStatusRequest": "1 service_id string",
  "flowctl.v1.ComponentStatusResponse":
    "1 component ComponentInfo, 2 status HealthStatus, 3 last_heartbeat Timestamp, 4 metrics map, 5 registered_at Timestamp",
  "flowctl.v1.ListComponentsRequest": "1 type_filter ComponentType, 2 include_unhealthy bool",
  "flowctl.v1.ListComponentsResponse": "1 components ComponentStatusResponse[]",
  "grpc.health.v1.HealthCheckRequest": "1 service string",
  "grpc.health.v1.HealthCheckResponse": "1 status ServingStatus",
  "grpc.health.v1.HealthListResponse": "1 statuses map",
  "externalscaler.ScaledObjectRef": "1 name string, 2 namespace string, 3 scalerMetadata map",
  "externalscaler.IsActiveResponse": "1 result bool",
  "externalscaler.GetMetricSpecResponse": "1 metricSpecs MetricSpec[]",
  "externalscaler.MetricSpec": "1 metricName string, 2 targetSize int64, 3 targetSizeFloat double",
  "externalscaler.GetMetricsRequest": "1 scaledObjectRef ScaledObjectRef, 2 metricName string",
  "externalscaler.GetMetricsResponse": "1 metricValues MetricValue[]",
  "externalscaler.MetricValue": "1 metricName string, 2 metricValue int64, 3 metricValueFloat double",
  "google.rpc.Status": "1 code int32, 2 message string, 3 details Any[]",
  "google.rpc.ErrorInfo": "1 reason string, 2 domain string, 3 metadata map",
  "google.rpc.RetryInfo": "1 retry_delay Duration",
  "google.rpc.BadRequest": "1 field_violations FieldViolation[]",
  "google.rpc.BadRequest.FieldViolation": "1 field string, 2 description string, 3 reason string",
};

/** Values of foreign enums, in order of their numbers from 0. */
const FOREIGN_ENUMS: Readonly<Record<string, string>> = {
  "flowctl.v1.ComponentType": "UNSPECIFIED SOURCE PROCESSOR CONSUMER",
  "flowctl.v1.HealthStatus": "UNKNOWN STARTING HEALTHY DEGRADED UNHEALTHY STOPPING",
  "grpc.health.v1.HealthCheckResponse.ServingStatus": "UNKNOWN SERVING NOT_SERVING SERVICE_UNKNOWN",
};

const SCALARS: Readonly<Record<number, string>> = { 1: "double", 3: "int64", 5: "int32", 8: "bool", 9: "string" };

function describeField(field: DescField): string {
  const type = field.message?.name ?? field.enum?.name ?? SCALARS[field.scalar ?? 0] ?? "?";
  const shown = field.fieldKind === "map" ? "map" : `${type}${field.fieldKind === "list" ? "[]" : ""}`;
  return `${field.number} ${field.name} ${shown}`;
}

describe("proto services", () => {
  let registry: FileRegistry;
  before(async () => {
    registry = await buildRegistry(protoDir);
  });

  it("stand in gen/grpc with every method of the descriptors, under its path and with its streams", () => {
    const described = [...registry]
      .filter((type) => type.kind === "service")
      .map((service) => [
        service.typeName,
        service.methods.map(({ name, methodKind }) => [
          `/${service.typeName}/${name}`,
          methodKind === "bidi_streaming" || methodKind === "client_streaming",
          methodKind === "bidi_streaming" || methodKind === "server_streaming",
        ]),
      ]);
    const generated = Object.entries(SERVICES).map(([name, definition]) => [
      name,
      Object.values(definition).map(({ path, requestStream, responseStream }) => [path, requestStream, responseStream]),
    ]);
    const byName = (left: unknown[], right: unknown[]) => (String(left[0]) < String(right[0]) ? -1 : 1);
    assert.deepEqual(generated.toSorted(byName), described.toSorted(byName));
  });

  it("carry messages of gen/messages", () => {
    const { registerProcessor } = ControlPlaneService;
    const sent = { processorId: "p", endpoint: "127.0.0.1:9000", metadata: { version: "1" } };
    const bytes = registerProcessor.requestSerialize(sent);
    assert.deepEqual(RegisterProcessorRequest.toJSON(registerProcessor.requestDeserialize(bytes)), sent);
  });

  for (const [name, fields] of Object.entries(FOREIGN)) {
    it(`have ${name} as its clients do`, () => {
      const message = registry.getMessage(name);
      assert.equal(message?.fields.map(describeField).join(", "), fields);
    });
  }

  for (const [name, values] of Object.entries(FOREIGN_ENUMS)) {
    it(`have the values of ${name} as its clients do`, () => {
      const found = registry.getEnum(name)?.values ?? [];
      assert.deepEqual(
        found.map(({ number }) => number),
        found.map((_, index) => index),
      );
      assert.equal(
        found.map((value) => value.name.replace(/^(?:COMPONENT_TYPE|HEALTH_STATUS)_/, "")).join(" "),
        values,
      );
    });
  }

  it("refuse text of ts-proto that is laid out in another way", () => {
    const file = [...registry.files].find(({ name }) => name === "processor/processor");
    assert.ok(file);
    assert.throws(
      () => renderServices(file, "export const ProcessorServiceService = {};\n"),
      /wrote no grpc-js services/,
    );
  });

  it("stand in gen/descriptors.ts, a file each", () => {
    const names = [...registry.files].map(({ name }) => `${name}.proto`);
    assert.deepEqual(Object.keys(fileDescriptors), names.toSorted());
  });
});
