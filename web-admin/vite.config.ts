import preact from "@preact/preset-vite";
import { defineConfig } from "vitest/config";

// One page for the admin, one for GraphiQL; both load everything from this origin.
export default defineConfig({
  base: "/",
  plugins: [preact({ reactAliasesEnabled: false })],
  build: {
    target: "es2022",
    rollupOptions: { input: ["index.html", "graphiql.html"] },
  },
  server: { proxy: { "/graphql": "http://127.0.0.1:8080", "/api": "http://127.0.0.1:8080" } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
