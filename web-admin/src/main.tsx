// The web admin: one address per view, each page loaded when it is first visited.
import { render } from "preact";
import { lazy, Suspense } from "preact/compat";
import { Route, Switch } from "wouter-preact";
import { Layout } from "./components/layout";
import "./style.css";

const Home = lazy(() => import("./pages/home"));
const Systems = lazy(() => import("./pages/systems"));
const System = lazy(() => import("./pages/system"));
const Processes = lazy(() => import("./pages/processes"));
const Process = lazy(() => import("./pages/process"));
const Runs = lazy(() => import("./pages/runs"));
const Run = lazy(() => import("./pages/run"));
const Scores = lazy(() => import("./pages/scores"));
const Prompts = lazy(() => import("./pages/prompts"));
const Prompt = lazy(() => import("./pages/prompt"));
const Memory = lazy(() => import("./pages/memory"));
const Proposals = lazy(() => import("./pages/proposals"));
const Missing = lazy(() => import("./pages/missing"));

// After an upgrade an open page may ask for parts that no longer exist: load it anew, once.
window.addEventListener("vite:preloadError", () => {
  if (sessionStorage.getItem("reloaded") === "yes") return;
  sessionStorage.setItem("reloaded", "yes");
  location.reload();
});

function App() {
  return (
    <Layout>
      <Suspense fallback={<p class="quiet">Loading …</p>}>
        <Switch>
          <Route path="/" component={Home} />
          <Route path="/systems" component={Systems} />
          <Route path="/systems/:name" component={System} />
          <Route path="/processes" component={Processes} />
          <Route path="/processes/:key" component={Process} />
          <Route path="/runs" component={Runs} />
          <Route path="/runs/:key" component={Run} />
          <Route path="/scores" component={Scores} />
          <Route path="/prompts" component={Prompts} />
          <Route path="/prompts/:name" component={Prompt} />
          <Route path="/memory" component={Memory} />
          <Route path="/proposals" component={Proposals} />
          <Route component={Missing} />
        </Switch>
      </Suspense>
    </Layout>
  );
}

const place = document.getElementById("app");
if (place) render(<App />, place);
