/** A command as a shell completes it: the words before, and what may follow. */
export interface Completable {
  readonly name: string;
  readonly words: readonly string[];
  readonly children: readonly Completable[];
}

/** Shells that there is a completion for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A script for a shell that completes commands and flags, such as for `source <(polygate completion bash)`. */
export function completionOf(shell: (typeof SHELLS)[number], root: Completable): string {
  if (shell === "fish") return fish(root);
  const bash = bashOf(root);
  return shell === "bash"
    ? bash
    : `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function bashOf(root: Completable): string {
  const cases = [...paths(root)].map(({ path, words }) => `    "${path.join(" ")}") words="${words.join(" ")}" ;;`);
  return `_polygate() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case " ${names(root)} " in *" $word "*) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _polygate polygate
`;
}

function fish(root: Completable): string {
  const lines = [...paths(root)].flatMap(({ path, words }) => {
    const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ");
    const only = path.length === 0 ? "__fish_use_subcommand" : seen;
    return words.map((word) =>
      word.startsWith("--")
        ? `complete -c polygate -n '${only}' -l ${word.slice(2)}`
        : `complete -c polygate -n '${only}' -f -a ${word}`,
    );
  });
  return `${lines.join("\n")}\n`;
}

function* paths(
  one: Completable,
  before: readonly string[] = [],
): Generator<{ path: readonly string[]; words: readonly string[] }> {
  yield { path: before, words: [...one.children.map(({ name }) => name), ...one.words] };
  for (const child of one.children) yield* paths(child, [...before, child.name]);
}

function names(root: Completable): string {
  return [...new Set([...paths(root)].flatMap(({ path }) => path))].join(" ");
}
