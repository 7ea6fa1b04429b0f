import { errors } from "../core/errors.ts";

interface Waiting {
  readonly go: () => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** One at a time, in the order in which they came. */
export class Turns {
  #busy = false;
  readonly #waiting: Waiting[] = [];

  /**
   * Resolves when it is the caller's turn, with how to end it.
   *
   * @param patienceMs Throws STORE_UNAVAILABLE when it takes longer; absent: waits as long as it takes.
   */
  take(patienceMs?: number): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        this.#busy = true;
        resolve(() => this.#next());
      };
      if (!this.#busy) {
        go();
        return;
      }
      const waiting: Waiting = {
        go,
        timer:
          patienceMs === undefined
            ? undefined
            : setTimeout(() => {
                this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
                reject(errors.storeUnavailable("The store has too many writes to do; nothing was changed."));
              }, patienceMs),
      };
      this.#waiting.push(waiting);
    });
  }

  #next(): void {
    this.#busy = false;
    const next = this.#waiting.shift();
    clearTimeout(next?.timer);
    next?.go();
  }
}
