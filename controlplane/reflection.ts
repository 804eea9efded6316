// Server reflection: tools such as grpcurl learn the services from the server itself.
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { fileDescriptors } from "../proto/gen/descriptors.ts";
import { SERVED } from "./served.ts";

type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/** Adds reflection (v1 and v1alpha) for the services that are served; those that are only described are not listed. */
export function addReflection(server: Server): void {
  const files = Object.values(fileDescriptors).map((base64) => Buffer.from(base64, "base64"));
  // The library reads nothing of a definition but the descriptors of its files.
  const definition: PackageDefinition = {
    descriptors: {
      format: "Protocol Buffer 3 DescriptorProto",
      type: {},
      fileDescriptorProtos: files,
    } as PackageDefinition[string],
  };
  new ReflectionService(definition, { services: SERVED.map(({ name }) => name) }).addToServer(server);
}
