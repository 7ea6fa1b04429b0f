import { type DescEnum, type DescExtension, type DescFile, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Every name that some proto files and those that they import declare. */
export interface Symbols {
  readonly files: ReadonlyMap<string, DescFile>;
  /** The file that declares a full name: of a message, field, oneof, enum, enum value, service, method or extension. */
  readonly declared: ReadonlyMap<string, DescFile>;
  /** Extensions by the full name of what they extend. */
  readonly extensions: ReadonlyMap<string, readonly DescExtension[]>;
}

/** Reads descriptors once; for answers to reflection. */
export function symbolsOf(roots: readonly DescFile[]): Symbols {
  const files = new Map<string, DescFile>();
  const declared = new Map<string, DescFile>();
  const extensions = new Map<string, DescExtension[]>();
  const extend = (one: DescExtension) => {
    declared.set(one.typeName, one.file);
    extensions.set(one.extendee.typeName, [...(extensions.get(one.extendee.typeName) ?? []), one]);
  };
  const addEnum = (desc: DescEnum) => {
    declared.set(desc.typeName, desc.file);
    // An enum's values belong to the scope that the enum is in.
    const scope = desc.parent?.typeName ?? desc.file.proto.package;
    for (const { name } of desc.values) declared.set(scope === "" ? name : `${scope}.${name}`, desc.file);
  };
  const addMessage = (desc: DescMessage) => {
    declared.set(desc.typeName, desc.file);
    for (const { name } of [...desc.fields, ...desc.oneofs]) declared.set(`${desc.typeName}.${name}`, desc.file);
    desc.nestedMessages.forEach(addMessage);
    desc.nestedEnums.forEach(addEnum);
    desc.nestedExtensions.forEach(extend);
  };
  const addFile = (file: DescFile) => {
    const { name } = file.proto;
    if (files.has(name)) return;
    files.set(name, file);
    file.messages.forEach(addMessage);
    file.enums.forEach(addEnum);
    file.extensions.forEach(extend);
    for (const service of file.services) {
      declared.set(service.typeName, file);
      for (const method of service.methods) declared.set(`${service.typeName}.${method.name}`, file);
    }
    file.dependencies.forEach(addFile);
  };
  roots.forEach(addFile);
  return { files, declared, extensions };
}

/** A file and all that it imports, each serialised, those that it needs after it; less what `sent` has, which it adds to. */
export function withImports(file: DescFile, sent: Set<string>): Uint8Array[] {
  const all: Uint8Array[] = [toBinary(FileDescriptorProtoSchema, file.proto)];
  sent.add(file.proto.name);
  for (const one of file.dependencies) if (!sent.has(one.proto.name)) all.push(...withImports(one, sent));
  return all;
}
