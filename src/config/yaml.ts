import { Lexer, LineCounter, parseDocument, type YAMLError } from "yaml";
import { type Place, type Report, WHOLE_FILE } from "./problems.ts";
import { type Node, toTree } from "./tree.ts";

/** Bytes. */
const MAX_SIZE = 4 * 1024 * 1024;
/** Lexical tokens: about 4,000 routes. The parser's time and memory grow with them, by up to 3 us and 1 KiB each. */
const MAX_TOKENS = 200_000;
/** What the lines of one long text cost is not seen in tokens. */
const MAX_LINES = 100_000;

/**
 * Parses one YAML 1.2 document (JSON included) into a tree that knows its places. What is wrong goes to the report, and
 * nothing of a value is repeated there: it could be a key. `undefined` when there is any problem.
 *
 * Refused: more than 4 MiB, 100,000 lines or 200,000 tokens, a second document, control characters, text that is not UTF-8, and what
 * `toTree` refuses. A byte order mark is skipped.
 */
export function parseYaml(source: Buffer | string, report: Report): Node | undefined {
  const text = toText(source, report);
  if (text === undefined) return undefined;
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const stackTraceLimit = Error.stackTraceLimit;
  // The parser makes an Error for each fault, and a hostile file has as many as it has commas.
  Error.stackTraceLimit = 0;
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      resolveKnownTags: false,
      logLevel: "error",
    });
    for (const error of document.errors.slice(0, 20)) report.problem(placeOf(error.pos[0]), "", inWords(error));
    if (document.errors.length > 0) return undefined;
    return toTree(document.contents, placeOf, report);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function toText(source: Buffer | string, report: Report): string | undefined {
  if (source.length > MAX_SIZE) {
    report.problem(WHOLE_FILE, "", "larger than 4 MiB; a config file has to be smaller");
    return undefined;
  }
  let text: string;
  try {
    text =
      typeof source === "string"
        ? source.replace(/^\uFEFF/, "")
        : new TextDecoder("utf-8", { fatal: true }).decode(source);
  } catch {
    report.problem(WHOLE_FILE, "", "not UTF-8 text; save it as UTF-8");
    return undefined;
  }
  // Those that YAML does not allow either: all but tab, the line ends and NEL.
  const control = /[^\P{Cc}\t\n\r\x85]/u.exec(text);
  if (control) {
    const before = text.slice(0, control.index).split("\n");
    const code = control[0].charCodeAt(0).toString(16).padStart(4, "0");
    const at = { line: before.length, column: before.at(-1)!.length + 1 };
    report.problem(at, "", `control character U+${code}; remove it`);
    return undefined;
  }
  let lines = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) lines++;
  if (lines > MAX_LINES) {
    report.problem(WHOLE_FILE, "", `more than ${MAX_LINES} lines; a config file has to be smaller`);
    return undefined;
  }
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) {
    if (++tokens > MAX_TOKENS) {
      report.problem(WHOLE_FILE, "", `more than ${MAX_TOKENS} tokens; a config file has to be smaller`);
      return undefined;
    }
  }
  return text;
}

/** The parser's faults in a newcomer's words. Only what cannot repeat a value is passed on in the parser's own. */
function inWords({ code, message }: YAMLError): string {
  switch (code) {
    case "MULTIPLE_DOCS":
      return "a second document starts here; keep one document in a file";
    case "TAB_AS_INDENT":
      return "a tab as indentation; indent with spaces";
    case "BLOCK_AS_IMPLICIT_KEY":
      return "a second `: ` on one line; put the value in quotes, or the inner key on a line of its own";
    case "RESOURCE_EXHAUSTION":
      return "nested too deeply; a config file has to be flatter";
    case "MISSING_CHAR":
      if (message.startsWith("Missing closing"))
        return "the file ends within quotes; close the quote that is open above";
      return `not valid YAML: ${message}`;
    case "BAD_INDENT":
    case "BLOCK_IN_FLOW":
    case "MULTILINE_IMPLICIT_KEY":
      return `not valid YAML: ${message}`;
    case "BAD_SCALAR_START":
      return "a value that starts with a reserved character; put it in quotes";
    case "BAD_DQ_ESCAPE":
      return "an escape that YAML does not have; write \\\\ for a backslash, or use single quotes";
    default:
      return "not valid YAML; check the quotes, brackets, colons and indentation here";
  }
}
