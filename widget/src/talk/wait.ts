// How does the panel wait? A pause that ends early when the visitor stops, or when the network is back.

export function wait(ms: number, signal: AbortSignal, wake?: (resume: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      unwake?.();
      then();
    };
    const stop = settle(() => reject(signal.reason as Error));
    const timer = setTimeout(settle(resolve), ms);
    signal.addEventListener('abort', stop);
    const unwake = wake?.(settle(resolve));
    if (signal.aborted) stop();
  });
}

/** Back-off after connection failures: 1, 2, 4 s, then the visitor decides. */
export const BACKOFF_MS = [1000, 2000, 4000];

/** The longest that a timer can do: 25 days. */
export const FOREVER_MS = 0x7fffffff;

/** `promise`, but no longer than until `signal` is aborted. */
export function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
