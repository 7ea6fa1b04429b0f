import { createPolygate, type Polygate } from "../client/index.ts";
import { readInput } from "./input.ts";
import { CommandFailed, EXIT, type Io } from "./io.ts";

/** Flags of every command that asks a gateway. */
export interface ServerFlags {
  readonly server?: string;
  readonly keyFile?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** Where the gateway is when nobody says otherwise. */
const DEFAULT_SERVER = "http://127.0.0.1:5000";

/** Where the flags or the environment say that the gateway is. */
export function serverOf({ server }: ServerFlags, { env }: Pick<Io, "env">): string {
  return server ?? (env["POLYGATE_URL"] || DEFAULT_SERVER);
}

/** Clients of the gateway that the flags name. A key never comes from a flag: others on the machine can read those. */
export async function connect(flags: ServerFlags, io: Io, timed = true): Promise<Polygate> {
  const baseUrl = serverOf(flags, io);
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol))
    throw new CommandFailed(`${baseUrl} is no URL; write http://host:port or https://host:port.`, EXIT.invalid);
  const key =
    flags.keyFile === undefined ? io.env["POLYGATE_KEY"] : (await readInput(flags.keyFile)).toString("utf8").trim();
  const timeoutMs = (flags.timeout ?? 30) * 1000;
  return createPolygate({ baseUrl, ...(key && { key }), ...(timed && { timeoutMs }) });
}
