// What a page shows when there is nothing, not yet anything, or an error.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api";
import type { Loaded } from "../load";

export function Failure({ error }: { error: ApiError }) {
  return (
    <div class="notice bad" role="alert">
      <strong>{error.message}</strong>
      {error.code && <span class="tag bad mono"> {error.code}</span>}
      {error.hint && <p>{error.hint}</p>}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** Shows `children` with the data once it is there; errors stand above what is already shown. */
export function Show<Data>({
  of,
  children,
}: {
  of: Loaded<Data>;
  children: (data: Data) => ComponentChildren;
}) {
  return (
    <>
      {of.error && <Failure error={of.error} />}
      {of.data !== undefined ? children(of.data) : of.loading && <p class="quiet">Loading …</p>}
    </>
  );
}
