// The one connection to the server: GraphQL over HTTP, subscriptions over server-sent events.
import { type AnyVariables, Client, cacheExchange, fetchExchange, type TypedDocumentNode } from "@urql/core";
import { initGraphQLTada } from "gql.tada";
import { pipe, subscribe } from "wonka";
import type { introspection } from "./schema-types";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { IRI: string; Timestamp: number; JSON: unknown; Key: string };
}>();

export type { ResultOf, VariablesOf } from "gql.tada";

const client = new Client({
  url: "/graphql",
  exchanges: [cacheExchange, fetchExchange],
  requestPolicy: "network-only",
  preferGetMethod: false,
  fetchSubscriptions: true,
});

/** An answer of the server that is not the data asked for: what went wrong, its code, and the way out. */
export class ApiError extends Error {
  readonly code: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, code?: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Whatever was thrown, as what a page can show. */
export function asApiError(caught: unknown): ApiError {
  return caught instanceof ApiError ? caught : new ApiError(String(caught));
}

function failure(error: {
  message: string;
  graphQLErrors: { message: string; extensions?: Record<string, unknown> }[];
  networkError?: Error | undefined;
}) {
  const first = error.graphQLErrors[0];
  if (first) {
    const text = (value: unknown) => (typeof value === "string" ? value : undefined);
    return new ApiError(first.message, text(first.extensions?.code), text(first.extensions?.hint));
  }
  return new ApiError(
    "the server does not answer",
    undefined,
    "Is ProcOS still running? This page retries by itself.",
  );
}

/** Asks a query and gives its data, or throws an ApiError. */
export async function ask<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const result = await client.query(document, variables).toPromise();
  if (result.error) throw failure(result.error);
  return result.data as Data;
}

/** Sends a mutation and gives its data, or throws an ApiError. */
export async function tell<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const result = await client.mutation(document, variables).toPromise();
  if (result.error) throw failure(result.error);
  return result.data as Data;
}

/** Follows a subscription; the function that comes back ends it. */
export function follow<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  each: (data: Data) => void,
  failed: (error: ApiError) => void = () => undefined,
): () => void {
  const { unsubscribe } = pipe(
    client.subscription(document, variables),
    subscribe((result) => {
      if (result.error) failed(failure(result.error));
      else if (result.data) each(result.data);
    }),
  );
  return unsubscribe;
}
