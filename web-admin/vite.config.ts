import preact from "@preact/preset-vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** GraphiQL carries 350 KB of its own fonts; the reader's system has good ones. */
const systemFonts: Plugin = {
  name: "system-fonts",
  enforce: "pre",
  transform: (code, id) =>
    /graphiql.*\.css$/.test(id)
      ? { code: code.replace(/@font-face\s*\{[^}]*\}/g, ""), map: null }
      : undefined,
};

// One page for the admin, one for GraphiQL; both load everything from this origin.
export default defineConfig({
  base: "/",
  plugins: [systemFonts, preact({ reactAliasesEnabled: false })],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    // GraphiQL is one large part of its own page; `src/budgets.test.ts` watches every size.
    chunkSizeWarningLimit: 1100,
    rollupOptions: {
      input: ["index.html", "graphiql.html"],
      onLog: (level, log, handler) => log.code !== "MODULE_LEVEL_DIRECTIVE" && handler(level, log),
    },
  },
  server: {
    // The examples stand beside this folder.
    fs: { allow: [".."] },
    proxy: { "/graphql": "http://127.0.0.1:8080", "/api": "http://127.0.0.1:8080" },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
