/** Descriptors made on the spot, for tests of code that walks descriptors. */
import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMessage,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { FieldRulesSchema, field as rulesOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { secret as secretOption } from "../../gen/polygate/options/v1/options_pb.js";

export interface FieldInit {
  /** Default: a string. */
  readonly type?: keyof typeof Type;
  /** A message of the same call, an enum of it, or a well-known type: `Inner`, `google.protobuf.Duration`. */
  readonly of?: string;
  readonly repeated?: boolean;
  /** A `map<string, string>`. */
  readonly map?: boolean;
  /** Tracks presence, as proto3 `optional` does. */
  readonly optional?: boolean;
  readonly secret?: boolean;
  readonly rules?: MessageInitShape<typeof FieldRulesSchema>;
}

type Fields = Readonly<Record<string, FieldInit>>;

/** The descriptor of the message `M` with these fields; `others` are messages that they name. */
export function describeMessage(fields: Fields, others: Readonly<Record<string, Fields>> = {}): DescMessage {
  const known = new Map<string, DescFile>(
    [file_google_protobuf_duration, file_google_protobuf_struct].map((file) => [file.proto.name, file]),
  );
  const messageType = Object.entries({ ...others, M: fields }).map(([name, inner]) => {
    const maps = Object.entries(inner).filter(([, { map }]) => map);
    return create(DescriptorProtoSchema, {
      name,
      field: Object.entries(inner).map(([field, init], index) => fieldOf(name, field, init, index + 1)),
      nestedType: maps.map(([field]) => ({
        name: entryOf(field),
        options: { mapEntry: true },
        field: [fieldOf("", "key", {}, 1), fieldOf("", "value", {}, 2)],
      })),
    });
  });
  const proto = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    dependency: [...known.keys()],
    messageType,
  });
  return createFileRegistry(proto, (name) => known.get(name)).getMessage("test.M")!;
}

const entryOf = (field: string): string => `${field[0]!.toUpperCase()}${field.slice(1)}Entry`;

function fieldOf(message: string, name: string, init: FieldInit, number: number): FieldDescriptorProto {
  const options = create(FieldOptionsSchema);
  if (init.secret) setExtension(options, secretOption, true);
  if (init.rules) setExtension(options, rulesOption, create(FieldRulesSchema, init.rules));
  const of = init.map
    ? `test.${message}.${entryOf(name)}`
    : init.of && !init.of.includes(".")
      ? `test.${init.of}`
      : init.of;
  return create(FieldDescriptorProtoSchema, {
    name,
    jsonName: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    number,
    type: of ? Type.MESSAGE : Type[init.type ?? "STRING"],
    label: init.repeated || init.map ? Label.REPEATED : Label.OPTIONAL,
    ...(of ? { typeName: `.${of}` } : {}),
    options,
  });
}
