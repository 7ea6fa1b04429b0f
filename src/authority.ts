/**
 * Host and port of a listener as they stand in a URL that can be opened on its machine: every address is told as the
 * loopback one.
 */
export function authorityOf(bound: string, port: number): string {
  const host = isEvery(bound) ? "127.0.0.1" : bound;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether a host to listen on stands for every address of the machine. */
export function isEvery(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}
