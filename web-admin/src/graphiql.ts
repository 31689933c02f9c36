// GraphiQL, served from this origin: the API to try by hand, with queries that work on the sample system.
import { GraphiQL } from "graphiql";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./graphiql.css";

const EXAMPLE = `# The system that "make run" builds from examples/light-aircraft.
query {
  systems(first: 10) {
    nodes {
      name
      requirementCount
      coverage { ratio unallocated { id reason } }
      requirements(first: 5) {
        nodes { localId text components { name functions { name process { name score { average low high } } } } }
      }
    }
  }
}
`;

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
if (place) createRoot(place).render(createElement(GraphiQL, { fetcher, defaultQuery: EXAMPLE }));
