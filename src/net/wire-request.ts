import { FOREIGN_IN_VALUE, TOKEN } from "./grammar.ts";

/** What of a request is said before its body. */
export interface RequestLine {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Flat name, value, name, value. */
  readonly headers: readonly string[];
}

const FOREIGN_IN_PATH = /[^\x21-\xff]/;
/** What we say ourselves, or never say. */
const OURS = /^(?:content-length|transfer-encoding|keep-alive|upgrade|expect)$/;
/** A provider's calls have the same few lists of headers, made at load. */
const KNOWN = 8;

/**
 * Writes the heads of requests to one origin.
 *
 * @param origin Gives the `host` header where a request has none.
 */
export class RequestHeads {
  private readonly host: string;
  private readonly lists: (readonly string[])[] = [];
  private readonly texts: string[] = [];
  private next = 0;

  constructor(origin: string) {
    this.host = new URL(origin).host;
  }

  /**
   * All up to the body, in latin1. Throws where a path or a header would end its line, or says what is ours to say.
   *
   * @param bytes Of the body.
   */
  write({ method, path, headers }: RequestLine, bytes: number): string {
    if (path.charCodeAt(0) !== 47 || FOREIGN_IN_PATH.test(path)) throw new Error("the path of a request is invalid");
    const head = `${method} ${path} HTTP/1.1\r\n${this.fields(headers)}`;
    return method === "GET" ? `${head}\r\n` : `${head}content-length: ${bytes}\r\n\r\n`;
  }

  private fields(headers: readonly string[]): string {
    const known = this.lists.indexOf(headers);
    if (known >= 0) return this.texts[known]!;
    const text = fieldsOf(headers, this.host);
    this.lists[this.next] = headers;
    this.texts[this.next] = text;
    this.next = (this.next + 1) % KNOWN;
    return text;
  }
}

function fieldsOf(headers: readonly string[], ownHost: string): string {
  let host: string | undefined;
  let text = "";
  for (let i = 0; i < headers.length; i += 2) {
    const [raw, value] = [headers[i]!, headers[i + 1]];
    if (!TOKEN.test(raw)) throw new Error("the name of a request's header is invalid");
    const name = raw.toLowerCase();
    if (typeof value !== "string" || FOREIGN_IN_VALUE.test(value) || OURS.test(name)) {
      throw new Error(`the ${name} header of a request is invalid`);
    }
    if (name === "host") {
      if (host !== undefined) throw new Error("a request has two host headers");
      host = value;
    } else if (name !== "connection") text += `${raw}: ${value}\r\n`;
  }
  return `host: ${host ?? ownHost}\r\nconnection: keep-alive\r\n${text}`;
}
