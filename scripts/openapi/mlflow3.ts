import type { Paths } from "./paths.ts";

/** Where MLflow 3 has what stands elsewhere, too: by the beginning of its path, what is put in the place of what. */
const ALIASES: readonly (readonly [path: RegExp, put: string])[] = [
  [/^\/v1\/(?=(?:chat\/completions|completions|embeddings|responses)$)/, "/gateway/openai/v1/"],
  [/^\/v1\/(?=messages$)/, "/gateway/anthropic/v1/"],
  [/^\/v1beta\/(?=models\/\{name\}:)/, "/gateway/gemini/v1beta/"],
  [/^\/v1\/(?=chat\/completions$)/, "/gateway/mlflow/v1/"],
  [/^\/v1\/(?=models$)/, "/gateway/mlflow/v1/"],
  [/^\/gateway\/\{name\}\/(?=invocations$)/, "/gateway/{name}/mlflow/"],
  [/^\/api\/2\.0\/endpoints\/(?=\{name\}$)/, "/api/3.0/gateway/endpoint/"],
  [/^\/api\/2\.0\/endpoints\/(?=\{name\}$)/, "/api/3.0/gateway/route/"],
];

/** The paths of MLflow 3's gateway, which do what others do. */
export function mlflow3Paths(known: Paths): Paths {
  const paths: Paths = {};
  for (const [at, [from, put]] of ALIASES.entries()) {
    for (const [path, methods] of Object.entries(known)) {
      if (!from.test(path)) continue;
      paths[path.replace(from, put)] = Object.fromEntries(
        Object.entries(methods).map(([method, operation]) => {
          const { operationId, summary } = operation as { operationId: string; summary: string };
          const told = { operationId: `${operationId}Mlflow3${at}`, summary: `${summary}, as in MLflow 3` };
          return [method, { ...operation, ...told, tags: ["MLflow"] }];
        }),
      );
    }
  }
  return paths;
}
