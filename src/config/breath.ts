/** How long calls may have to wait for a config that is read. */
const LONGEST_MS = 8;

/** Lets others run now and then, so that nobody's call waits until thousands of routes are read. */
export class Breath {
  private since = performance.now();

  /** Between two pieces of work; `undefined`: go on at once. */
  take(): Promise<void> | undefined {
    if (performance.now() - this.since < LONGEST_MS) return undefined;
    return new Promise((resume) => {
      setImmediate(() => {
        this.since = performance.now();
        resume();
      });
    });
  }
}

/** What `act` makes of each, one after the other and with pauses. */
export async function inBreaths<From, To>(all: readonly From[], act: (one: From) => Promise<To>): Promise<To[]> {
  const breath = new Breath();
  const made: To[] = [];
  for (const one of all) {
    await breath.take();
    made.push(await act(one));
  }
  return made;
}
