import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescOneof,
  type DescService,
  type FileRegistry,
  fromBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUF = fileURLToPath(new URL("../../node_modules/@bufbuild/buf/bin/buf", import.meta.url));

type Commented = DescMessage | DescField | DescOneof | DescEnum | DescService | DescMethod;

/** The protos as buf reads them, with what generated code leaves out: their comments. */
export interface Protos {
  readonly registry: FileRegistry;
  /** The leading comment in Markdown, lines joined to paragraphs; empty: none. */
  comment(desc: Commented): string;
  /** Throws for a name that there is not. */
  message(typeName: string): DescMessage;
  service(typeName: string): DescService;
}

export function loadProtos(): Protos {
  const bytes = execFileSync(BUF, ["build", "--as-file-descriptor-set", "-o", "-#format=binpb"], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const comments = new Map<Commented, string>();
  for (const file of registry.files)
    if (/^(polygate|providers|policies)\//.test(file.name)) readComments(file, comments);
  const found = <T>(value: T | undefined, name: string): T => {
    if (value === undefined) throw new Error(`The protos have no ${name}.`);
    return value;
  };
  return {
    registry,
    comment: (desc) => comments.get(desc) ?? "",
    message: (name) => found(registry.getMessage(name), name),
    service: (name) => found(registry.getService(name), name),
  };
}

/** Field numbers of `FileDescriptorProto` and what it holds, of which the paths of comments are made. */
const [MESSAGE, ENUM, SERVICE, FIELD, ONEOF, METHOD] = [4, 5, 6, 2, 8, 2];

function readComments(file: DescFile, to: Map<Commented, string>): void {
  const byPath = new Map<string, string>();
  for (const { path, leadingComments } of file.proto.sourceCodeInfo?.location ?? []) {
    if (leadingComments !== "") byPath.set(path.join(), paragraphs(leadingComments));
  }
  const note = (desc: Commented, ...path: number[]) => {
    const text = byPath.get(path.join());
    if (text !== undefined) to.set(desc, text);
  };
  // Map entries are nested messages; nothing else is nested here.
  file.messages.forEach((message, at) => {
    note(message, MESSAGE, at);
    message.fields.forEach((field, n) => {
      note(field, MESSAGE, at, FIELD, n);
    });
    message.oneofs.forEach((oneof, n) => {
      note(oneof, MESSAGE, at, ONEOF, n);
    });
  });
  file.enums.forEach((desc, at) => {
    note(desc, ENUM, at);
  });
  file.services.forEach((service, at) => {
    note(service, SERVICE, at);
    service.methods.forEach((method, n) => {
      note(method, SERVICE, at, METHOD, n);
    });
  });
}

function paragraphs(comment: string): string {
  return comment
    .trim()
    .split(/\n\s*\n/)
    .map((part) =>
      part
        .split("\n")
        .map((line) => line.trim())
        .join(" "),
    )
    .join("\n\n");
}
