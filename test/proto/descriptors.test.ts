// The .proto files hold the seed's packages, names, numbers and types exactly, and the schema table holds them all.

import assert from "node:assert/strict";
import type { DescEnum, DescFile, DescService, FileRegistry } from "@bufbuild/protobuf";
import { before, describe, it } from "mocha";
import type { SchemaTable } from "../../core/schema/schema.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { buildRegistry, protoDir } from "../../proto/scripts/buf.ts";
import { collectMessages, type TableMessage } from "../../proto/scripts/schema-table.ts";
import { buildSeed } from "./copies.ts";

/** Message and RouteRequest of flow, and both bodies of worker, are compared as CP2 extended them. */
const extendedByCp2 = ["Message", "RouteRequest", "ExecResult", "ExecAssignmentAck"];

function describeService(service: DescService) {
  return service.methods.map((method) => [
    method.name,
    method.methodKind,
    method.input.typeName,
    method.output.typeName,
  ]);
}

function describeEnum(type: DescEnum) {
  return type.values.map((value) => [value.name, value.number]);
}

function findFile(registry: FileRegistry, packageName: string): DescFile {
  const file = [...registry.files].find((candidate) => candidate.proto.package === packageName);
  assert.ok(file, `no file of package ${packageName}`);
  return file;
}

function findMessage(messages: readonly TableMessage[], name: string): TableMessage | undefined {
  return messages.find((message) => message.name === name);
}

describe("proto descriptors", () => {
  let actual: FileRegistry;
  let cp1: FileRegistry;
  let cp2: FileRegistry;
  before(async () => {
    [actual, cp1, cp2] = await Promise.all([buildRegistry(protoDir), buildSeed("cp1"), buildSeed("cp2")]);
  });

  it("have every message of the first checkpoint, field by field", () => {
    const messages = collectMessages(actual);
    const expected = collectMessages(cp1).filter(({ name }) => !name.startsWith("google."));
    assert.equal(expected.length, 42);
    for (const message of expected) {
      if (extendedByCp2.some((name) => message.name.endsWith(`.v1.${name}`))) {
        const standing = findMessage(messages, message.name)?.fields.slice(0, message.fields.length);
        assert.deepEqual(standing, message.fields, message.name);
      } else {
        assert.deepEqual(findMessage(messages, message.name), message);
      }
    }
  });

  it("have every message that CP2 extended or added, field by field", () => {
    const messages = collectMessages(actual);
    const expected = collectMessages(cp2);
    assert.equal(expected.length, 12);
    for (const message of expected) assert.deepEqual(findMessage(messages, message.name), message);
  });

  it("have no other message but the older JSON bodies and those of the registry", () => {
    const known = new Set([...collectMessages(cp1), ...collectMessages(cp2)].map(({ name }) => name));
    const others = collectMessages(actual).filter(({ name }) => !known.has(name) && !name.startsWith("google."));
    assert.deepEqual(
      others.map(({ name }) => name).filter((name) => !/^beamline\.(?:compat|control)\.v1\./.test(name)),
      [],
    );
    assert.equal(others.filter(({ name }) => name.startsWith("beamline.compat.v1.")).length, 9);
  });

  it("have the seed's services, methods, streams and enums", () => {
    for (const type of cp1) {
      if (type.kind === "service") {
        const service = actual.getService(type.typeName);
        assert.ok(service, type.typeName);
        assert.deepEqual(describeService(service), describeService(type));
      } else if (type.kind === "enum" && type.typeName.startsWith("obsrvr.")) {
        const standing = actual.getEnum(type.typeName);
        assert.ok(standing, type.typeName);
        assert.deepEqual(describeEnum(standing), describeEnum(type));
      }
    }
  });

  it("have the seed's go_package and paths", () => {
    for (const name of ["controlplane", "processor", "common"]) {
      const packageName = `obsrvr.flow.${name}`;
      const standing = findFile(actual, packageName);
      assert.equal(standing.proto.options?.goPackage, findFile(cp1, packageName).proto.options?.goPackage);
      assert.equal(standing.name, `${name}/${name}`);
    }
    assert.equal(findFile(actual, "beamline.provider.v1").name, "beamline/provider/v1/provider");
    assert.equal(actual.getMessage("beamline.flow.v1.RouteRequest")?.file.name, "beamline/flow/v1/flow");
  });

  it("are the schema table, which names no message that it does not hold", () => {
    const table: SchemaTable = schemaTable;
    const names = Object.keys(table);
    assert.deepEqual(
      names,
      collectMessages(actual).map(({ name }) => name),
    );
    for (const message of Object.values(table)) {
      for (const field of message.fields) {
        if (field.message !== undefined) assert.ok(Object.hasOwn(table, field.message), field.message);
        assert.equal(field.mapKey !== undefined, field.type === "map");
      }
    }
  });
});
