/** A model as MLflow's registry names it. Exactly one of the last three is set. */
export interface Registered {
  readonly model: string;
  readonly alias?: string;
  /** Or `latest`: the highest version of any stage. */
  readonly stage?: string;
  readonly version?: string;
}

/** Whether a name is meant to be one of the registry. */
export function isRegistered(name: string): boolean {
  return name.startsWith("models:");
}

/**
 * Reads `models:/name@alias`, `models:/name/Stage`, `models:/name/latest` or `models:/name/3`. `undefined`: it is none of these.
 * @see https://mlflow.org/docs/latest/ml/model-registry/
 */
export function readRegistered(name: string): Registered | undefined {
  const [, model, sign, which] = /^models:\/([^/@:]+)([@/])([^/@:]+)$/.exec(name) ?? [];
  if (model === undefined || which === undefined) return undefined;
  if (sign === "@") return { model, alias: which };
  return /^\d+$/.test(which) ? { model, version: which } : { model, stage: which };
}

/** What was asked for is not there, or not served. Its message is for the log. */
export class NotServed extends Error {}
/** Its server does not run, and is started again. */
export class NotRunning extends NotServed {}
/** It is about to be served, and whoever asks again finds it. */
export class NotYet extends NotServed {}
