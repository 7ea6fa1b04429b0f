import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { CommandFailed, EXIT, type Exit } from "./io.ts";
import { printable } from "./output.ts";

const EXITS: Readonly<Partial<Record<Code, Exit>>> = {
  [Code.InvalidArgument]: EXIT.invalid,
  [Code.OutOfRange]: EXIT.invalid,
  [Code.NotFound]: EXIT.notFound,
  [Code.Unauthenticated]: EXIT.notAllowed,
  [Code.PermissionDenied]: EXIT.notAllowed,
  [Code.Aborted]: EXIT.conflict,
  [Code.AlreadyExists]: EXIT.conflict,
  [Code.FailedPrecondition]: EXIT.conflict,
  [Code.Unavailable]: EXIT.unavailable,
  [Code.DeadlineExceeded]: EXIT.unavailable,
};

/** A failure as lines for a person, and the command's exit code. `server`: the URL that was asked. */
export function failureOf(thrown: unknown, server: string): { readonly lines: readonly string[]; readonly exit: Exit } {
  if (thrown instanceof CommandFailed) return { lines: [thrown.message], exit: thrown.exit };
  const error = ConnectError.from(thrown);
  const [info] = error.findDetails(ErrorInfoSchema);
  // An answer of the gateway always has a reason; without one it never answered, or something else did.
  if (info === undefined)
    return { lines: [printable(unreached(error, server))], exit: exitOf(error, EXIT.unavailable) };
  const fields = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  const id = info.metadata["request_id"];
  const details = fields.map(({ field, description }) => `  ${field}: ${description}`);
  const head = `${error.rawMessage}${id && error.code === Code.Internal ? ` (request ${id})` : ""}`;
  const lines = details.length > 1 ? ["The gateway found problems:", ...details] : [head];
  return { lines: [...lines, ...hint(error)].map(printable), exit: exitOf(error, EXIT.failed) };
}

function exitOf({ code }: ConnectError, otherwise: Exit): Exit {
  return EXITS[code] ?? otherwise;
}

function unreached(error: ConnectError, server: string): string {
  if (error.code === Code.DeadlineExceeded) return `The gateway at ${server} did not answer in time; see --timeout.`;
  if (error.code === Code.Canceled) return "Stopped.";
  const { cause } = error;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const why = inner instanceof Error ? inner.message : error.rawMessage;
  return `No gateway answers at ${server} (${why}); name another with --server or POLYGATE_URL.`;
}

function hint({ code }: ConnectError): readonly string[] {
  return code === Code.Unauthenticated ? ["Put an admin key into POLYGATE_KEY, or name its file with --key-file."] : [];
}
