// Loading what a page shows: one hook with its three states, and a clock for what changes by itself.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";

export interface Loaded<Data> {
  data: Data | undefined;
  error: ApiError | undefined;
  loading: boolean;
  /** Asks again, keeping what is shown until the answer is there. */
  again: () => void;
}

/** Runs `ask` when `key` changes, and again every `everyMs` while the page is visible (0: never by itself). */
export function useLoad<Data>(key: string, ask: () => Promise<Data>, everyMs = 0): Loaded<Data> {
  const [state, setState] = useState<{ data?: Data; error?: ApiError; loading: boolean }>({ loading: true });
  const latest = useRef(ask);
  latest.current = ask;
  const run = useRef(0);

  const again = useCallback(() => {
    run.current += 1;
    const mine = run.current;
    latest.current().then(
      (data) => mine === run.current && setState({ data, loading: false }),
      (error) =>
        mine === run.current &&
        setState((before) => ({
          ...before,
          loading: false,
          error: error instanceof ApiError ? error : new ApiError(String(error)),
        })),
    );
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another key is another question
  useEffect(() => {
    setState({ loading: true });
    again();
    if (everyMs === 0) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && again(), everyMs);
    return () => clearInterval(timer);
  }, [key, everyMs, again]);

  return { data: state.data, error: state.error, loading: state.loading, again };
}
