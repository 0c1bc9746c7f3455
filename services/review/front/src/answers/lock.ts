/**
 * One tab works for an annotator at a time.
 *
 * The browser's own lock decides (a tab that crashed holds it no more); a BroadcastChannel says who took it, so
 * that the other tab stops at once.
 */
export interface TabLock {
  /** Takes the lock from the tab that has it. */
  takeOver(): void;
  close(): void;
}


/** Asks for the lock of a scope; `onChange` is called with whether this tab has it. */
export function lockTab(scope: string, onChange: (mine: boolean) => void): TabLock {
  const name = `spotted-review ${scope}`;
  const channel = new BroadcastChannel(name);
  let release: () => void = () => undefined;
  let closed = false;

  const hold = (options: LockOptions): void => {
    navigator.locks
      .request(name, options, (lock) => {
        onChange(lock !== null);
        if (!lock) return undefined;
        return closed ? undefined : new Promise<void>((resolve) => (release = resolve));
      })
      // another tab took it
      .catch(() => closed || onChange(false));
  };

  channel.onmessage = () => {
    release();
    onChange(false);
  };
  hold({ ifAvailable: true });
  return {
    takeOver() {
      channel.postMessage("taken over");
      hold({ steal: true });
    },
    close() {
      closed = true;
      release();
      channel.close();
    },
  };
}
