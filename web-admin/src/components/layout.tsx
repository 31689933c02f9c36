// The frame around every page: navigation, and the box to ask DAS.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { AskDas } from "./ask-das";
import { asking } from "./asking";

const PLACES = [
  { path: "/", name: "Systems", prefix: "/systems" },
  { path: "/processes", name: "Processes", prefix: "/processes" },
  { path: "/runs", name: "Runs", prefix: "/runs" },
  { path: "/scores", name: "Scores", prefix: "/scores" },
  { path: "/proposals", name: "Proposals", prefix: "/proposals" },
  { path: "/memory", name: "Memory", prefix: "/memory" },
];

export function Layout({ children }: { children: ComponentChildren }) {
  const [location] = useLocation();
  const first = useRef(true);

  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
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
          {PLACES.map(({ path, name, prefix }) => {
            const here = location === path || location.startsWith(`${prefix}/`);
            return (
              <Link key={path} href={path} aria-current={here ? "page" : undefined}>
                {name}
              </Link>
            );
          })}
        </nav>
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
        <AskDas
          change={asking.value.change}
          close={() => {
            asking.value = undefined;
          }}
        />
      )}
    </>
  );
}
