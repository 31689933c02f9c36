// The name of the page in the browser's tab and history.
import { useEffect } from "preact/hooks";

export function useTitle(name: string) {
  useEffect(() => {
    document.title = `${name} · ProcOS`;
  }, [name]);
}
