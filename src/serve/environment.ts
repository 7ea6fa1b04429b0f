/**
 * What a model server needs of the gateway's environment: the system's, the language's and Python's own variables, MLflow's, and those
 * by which the common stores of models are read. The rest, such as keys of providers, is not for a program that came with a model.
 */
const PASSED =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TZ|LANG|LANGUAGE|LC_\w+|LD_LIBRARY_PATH|PYTHON\w*|VIRTUAL_ENV|CONDA_\w+|MLFLOW_\w+|AWS_\w+|AZURE_STORAGE_\w+|GOOGLE_APPLICATION_CREDENTIALS|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|https?_proxy|no_proxy|OMP_\w+|MKL_\w+|OPENBLAS_\w+|CUDA_\w+|NVIDIA_\w+)$/i;

/**
 * The environment of a model server.
 *
 * @param from The gateway's own.
 * @param more Names of further variables to pass on.
 * @param own Set whatever the gateway's says.
 */
export function environmentOf(
  from: Readonly<Record<string, string | undefined>>,
  more: readonly string[],
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const passed = Object.entries(from).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (PASSED.test(entry[0]) || more.includes(entry[0])),
  );
  return { ...Object.fromEntries(passed), ...own };
}
