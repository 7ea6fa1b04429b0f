import type { DescService } from "@bufbuild/protobuf";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../../gen/google/rpc/error_details_pb.js";
import type { ServerReflectionRequest, ServerReflection as V1 } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import type {
  ServerReflectionRequest as AlphaRequest,
  ServerReflection as V1Alpha,
} from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { file_polygate_v1_errors } from "../../../gen/polygate/v1/errors_pb.js";
import { type Symbols, symbolsOf, withImports } from "./symbols.ts";

/** A response, as a message of either version is made from it. */
type Answer =
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/** The protos of the services that are served, for tools such as grpcurl. Both versions are the same in all but name. */
export function reflectionServices(services: readonly DescService[]): {
  readonly v1: ServiceImpl<typeof V1>;
  readonly v1alpha: ServiceImpl<typeof V1Alpha>;
} {
  let read: Symbols | undefined;
  const symbols = () => {
    // The details of errors are in no service's file; tools that print them ask for theirs.
    read ??= symbolsOf([...services.map(({ file }) => file), file_google_rpc_error_details, file_polygate_v1_errors]);
    return read;
  };
  async function* info<Q extends ServerReflectionRequest | AlphaRequest>(requests: AsyncIterable<Q>) {
    const sent = new Set<string>();
    for await (const request of requests) {
      const messageResponse = answer(request.messageRequest, symbols(), services, sent);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  }
  return {
    v1: { serverReflectionInfo: (requests) => info(requests) },
    v1alpha: { serverReflectionInfo: (requests) => info(requests) },
  };
}

function answer(
  asked: (ServerReflectionRequest | AlphaRequest)["messageRequest"],
  { files, declared, extensions }: Symbols,
  services: readonly DescService[],
  sent: Set<string>,
): Answer {
  switch (asked.case) {
    case "listServices": {
      const service = services.map(({ typeName }) => ({ name: typeName })).sort((a, b) => (a.name < b.name ? -1 : 1));
      return { case: "listServicesResponse", value: { service } };
    }
    case "fileByFilename":
      return fileOr(files.get(asked.value), `No file is named ${asked.value}.`, sent);
    case "fileContainingSymbol":
      return fileOr(declared.get(bare(asked.value)), `Nothing is named ${asked.value}.`, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = asked.value;
      const one = extensions.get(bare(containingType))?.find(({ number }) => number === extensionNumber);
      return fileOr(one?.file, `No extension of ${containingType} has the number ${extensionNumber}.`, sent);
    }
    case "allExtensionNumbersOfType": {
      const type = bare(asked.value);
      if (!declared.has(type)) return failure(Code.NotFound, `Nothing is named ${asked.value}.`);
      const extensionNumber = (extensions.get(type) ?? []).map(({ number }) => number).sort((a, b) => a - b);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: type, extensionNumber } };
    }
    default:
      return failure(Code.InvalidArgument, "The request asks for nothing.");
  }
}

function fileOr(file: Parameters<typeof withImports>[0] | undefined, otherwise: string, sent: Set<string>): Answer {
  if (!file) return failure(Code.NotFound, otherwise);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: withImports(file, sent) } };
}

function failure(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

/** Some tools lead a full name with a dot. */
function bare(name: string): string {
  return name.startsWith(".") ? name.slice(1) : name;
}
