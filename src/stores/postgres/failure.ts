import { DatabaseError } from "pg";
import { errors, GatewayError } from "../../core/errors.ts";

/** What was waited for too long. */
export class TimedOut extends Error {}

/** Whether the connection is of no more use: the failure is not an answer of the server, or the server ends the connection with it. */
export function breaks(error: unknown): boolean {
  return !(error instanceof DatabaseError) || error.severity === "FATAL" || error.severity === "PANIC";
}

/**
 * What the driver threw, as STORE_UNAVAILABLE. Its cause has the driver's sentence and code, and nothing else of it.
 *
 * @param secret Is in no text of it.
 */
export function failure(error: unknown, secret: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  const text = error instanceof Error ? error.message || String(code) : String(error);
  const cause = new Error(secret === "" ? text : text.replaceAll(secret, "***"));
  const sentence = sentenceOf(error, typeof code === "string" ? code : "");
  return errors.storeUnavailable(`${sentence}; nothing was changed.`, Object.assign(cause, { code }));
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function sentenceOf(error: unknown, code: string): string {
  if (error instanceof TimedOut) return "The database does not answer";
  if (!(error instanceof DatabaseError)) return "The database cannot be reached";
  if (code === "53300") return "The database has no connection left";
  if (code === "25006") return "The database takes no writes now";
  if (code === "55P03" || code === "57014") return "Another gateway keeps the database locked";
  if (code.startsWith("28")) return "The database refuses the gateway's user";
  if (code.startsWith("53")) return "The database is out of memory or disk";
  if (code.startsWith("57P")) return "The database is stopping or starting";
  return "The database failed";
}

/** What comes of it, or `TimedOut` after `ms`. */
export async function within<T>(ms: number, what: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([what, late]);
  } finally {
    clearTimeout(timer);
    what.catch(() => undefined);
  }
}
