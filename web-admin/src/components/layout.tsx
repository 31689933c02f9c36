// The frame around every page: navigation, and the box to ask DAS.
import type { ComponentChildren } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { asking } from "./asking";
import { GoTo, KeyboardHelp, PAGES } from "./keyboard";

// Loaded when it is first asked for: the box draws diagrams, and most visits do not open it.
const AskDas = lazy(() => import("./ask-das"));

/** Whether a person writes just now: then a letter is a letter. */
function isWriting(event: KeyboardEvent): boolean {
  const { target } = event;
  return (
    target instanceof HTMLElement &&
    (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)
  );
}

export function Layout({ children }: { children: ComponentChildren }) {
  const [location] = useLocation();
  const first = useRef(true);
  const [open, setOpen] = useState<"places" | "keys">();
  const close = () => setOpen(undefined);

  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (
        (event.key === "/" || event.key === "?") &&
        !isWriting(event) &&
        !document.querySelector("dialog")
      ) {
        event.preventDefault();
        setOpen(event.key === "/" ? "places" : "keys");
      }
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        asking.value ??= {};
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);

  // A new page starts at its top, for the eye and for the keyboard.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the address that it reacts to
  useEffect(() => {
    if (!first.current) {
      window.scrollTo(0, 0);
      document.getElementById("content")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [location]);

  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="top">
        <Link href="/" class="brand">
          ProcOS
        </Link>
        <nav aria-label="Main">
          {PAGES.map(([path, name]) => {
            const here = location === path || (path !== "/" && location.startsWith(`${path}/`));
            return (
              <Link key={path} href={path} aria-current={here ? "page" : undefined}>
                {name}
              </Link>
            );
          })}
        </nav>
        <button type="button" class="plain wide-only" aria-keyshortcuts="/" onClick={() => setOpen("places")}>
          Go to <kbd>/</kbd>
        </button>
        <button
          type="button"
          class="plain wide-only"
          aria-label="Keyboard"
          aria-keyshortcuts="?"
          onClick={() => setOpen("keys")}
        >
          <kbd>?</kbd>
        </button>
        <a href="/graphiql" class="small">
          API
        </a>
        <button
          type="button"
          class="primary"
          onClick={() => {
            asking.value = {};
          }}
          aria-keyshortcuts="Control+K"
        >
          Ask DAS <kbd>Ctrl K</kbd>
        </button>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      {asking.value && (
        <Suspense fallback={null}>
          <AskDas />
        </Suspense>
      )}
      {open === "places" && <GoTo close={close} />}
      {open === "keys" && <KeyboardHelp close={close} />}
    </>
  );
}
