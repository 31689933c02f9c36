// Following the trail, so that a page shows what happens when it happens.
import { useEffect } from "preact/hooks";
import { follow, graphql } from "./api";

const APPENDED = graphql(`subscription Appended { trailAppended { position } }`);

/** However much happens, a page does not ask more often than this. */
const AT_MOST_EVERY_MS = 1000;

/** Calls `again` soon after something happened, anywhere in ProcOS, and at most once a second. */
export function useLive(again: () => void) {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = follow(APPENDED, {}, () => {
      if (timer !== undefined || document.visibilityState !== "visible") return;
      timer = setTimeout(() => {
        timer = undefined;
        again();
      }, AT_MOST_EVERY_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [again]);
}
