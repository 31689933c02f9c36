// GraphiQL, served from this origin: the API to try by hand, with queries that work on the sample system.
import { GraphiQL } from "graphiql";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./graphiql.css";

// A test runs each of them on the sample system.
const EXAMPLES = import.meta.glob<string>("../../examples/queries/*.graphql", {
  query: "?raw",
  import: "default",
  eager: true,
});
const TABS = Object.keys(EXAMPLES)
  .sort()
  .map((place) => ({ query: EXAMPLES[place] ?? "" }));

async function fetcher(parameters: unknown) {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json",
    },
    body: JSON.stringify(parameters),
  });
  return answer.json();
}

const place = document.getElementById("graphiql");
if (place) createRoot(place).render(createElement(GraphiQL, { fetcher, defaultTabs: TABS }));
