import { cleanup, fireEvent, render, screen } from "@testing-library/preact";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api";
import { line, neighbours } from "../trace";
import { Gaps } from "./gaps";
import { Outcomes } from "./outcomes";
import { Failure, Show } from "./states";
import { Status } from "./status";
import { quantityWords } from "./system-details";
import { type Entry, TraceColumn } from "./trace-column";

afterEach(cleanup);

describe("outcomes", () => {
  it("stand as text beside the bar: nobody has to read a picture", () => {
    render(<Outcomes outcomes={[{ label: "meets", share: 0.9, low: 0.52, high: 1, count: 8 }]} />);
    expect(screen.getByText("meets")).toBeTruthy();
    expect(screen.getByText("90 %")).toBeTruthy();
    expect(screen.getByText("(52 % to 100 %, 8×)")).toBeTruthy();
  });

  it("keep the whiskers inside the bar, whatever the numbers", () => {
    const { container } = render(
      <Outcomes outcomes={[{ label: "a", share: 1, low: -0.1, high: 1.2, count: 1 }]} />,
    );
    for (const mark of container.querySelectorAll("line")) {
      for (const side of ["x1", "x2"]) {
        const at = Number(mark.getAttribute(side));
        expect(at).toBeGreaterThanOrEqual(0.5);
        expect(at).toBeLessThanOrEqual(99.5);
      }
    }
  });
});

describe("states of a page", () => {
  it("an error shows what happened, its code and the way out", () => {
    render(<Failure error={new ApiError("the id is taken", "ONTO-0003", "Choose another name.")} />);
    expect(screen.getByRole("alert").textContent).toMatch(
      /the id is taken.*ONTO-0003.*Choose another name\./,
    );
  });

  it("what was there stays visible while an error is shown", () => {
    const of = { data: 7, error: new ApiError("away"), loading: false, again: () => undefined };
    render(<Show of={of}>{(data) => <p>still {data}</p>}</Show>);
    expect(screen.getByText("still 7")).toBeTruthy();
    expect(screen.getByRole("alert")).toBeTruthy();
  });

  it("a run with an incident needs attention, whatever its state", () => {
    render(
      <>
        <Status status="ACTIVE" incidents={1} />
        <Status status="COMPLETED" incidents={0} />
      </>,
    );
    expect(screen.getByText("needs attention")).toBeTruthy();
    expect(screen.getByText("completed")).toBeTruthy();
  });

  it("gaps are named one by one with their reasons", () => {
    render(
      <Gaps
        coverage={{
          requirements: 3,
          allocated: 2,
          ratio: 2 / 3,
          verificationRatio: 1,
          unallocated: [{ id: "R-9", reason: "nothing fits" }],
          orphanComponents: [],
          orphanFunctions: [],
          conflicts: [{ requirements: ["R-1", "R-2"], why: "mass ≤ 600 kg against mass ≥ 700 kg" }],
        }}
      />,
    );
    expect(screen.getByText("2 gaps")).toBeTruthy();
    expect(screen.getByText(/R-1 and R-2: mass/)).toBeTruthy();
    expect(screen.getByText(/R-9: nothing fits/)).toBeTruthy();
  });
});

describe("a quantity in words", () => {
  const quantity = {
    property: "range",
    comparator: ">=",
    value: 1000,
    upper: null,
    unit: "km",
    siValue: 1e6,
    siUnit: "m",
  };
  it("has the SI value beside a unit that is not SI", () => {
    expect(quantityWords(quantity)).toBe("≥ 1000 km (1000000 m)");
    expect(quantityWords({ ...quantity, unit: "m", value: 5, siValue: 5 })).toBe("≥ 5 m");
    expect(quantityWords({ ...quantity, comparator: "=", upper: 1200, siValue: null })).toBe(
      "1000 to 1200 km",
    );
  });
});

describe("a column of the trace", () => {
  const entries: Entry[] = ["R-1", "R-2", "R-3"].map((localId) => ({
    localId,
    label: `The ${localId} text`,
  }));
  const column = (more: Partial<Parameters<typeof TraceColumn>[0]> = {}) => {
    const choose = vi.fn();
    const sideways = vi.fn();
    const view = render(
      <TraceColumn
        layer="requirements"
        entries={entries}
        total={entries.length}
        chosen={undefined}
        lit={undefined}
        choose={choose}
        sideways={sideways}
        {...more}
      />,
    );
    return { choose, sideways, ...view };
  };

  it("is one stop for the keyboard, and arrows walk inside", () => {
    const { choose, sideways } = column();
    const [first, second] = screen.getAllByRole("option");
    expect(screen.getAllByRole("option").filter((option) => option.tabIndex === 0)).toEqual([first]);
    first?.focus();
    fireEvent.keyDown(first as Element, { key: "ArrowDown" });
    expect(document.activeElement).toBe(second);
    fireEvent.keyDown(second as Element, { key: "Enter" });
    expect(choose).toHaveBeenLastCalledWith("R-2");
    fireEvent.keyDown(second as Element, { key: "ArrowRight" });
    expect(sideways).toHaveBeenCalledWith(1);
    fireEvent.keyDown(second as Element, { key: "Escape" });
    expect(choose).toHaveBeenLastCalledWith(undefined);
  });

  it("shows the line first, dims the rest and counts both", () => {
    const index = neighbours([{ kind: "allocated_to", source: "R-3", target: "C-1" }]);
    column({ lit: line("C-1", index), chosen: "C-1" });
    const [first, second] = screen.getAllByRole("option");
    expect(first?.className).toBe("lit");
    expect(first?.textContent).toContain("R-3");
    expect(second?.className).toBe("dim");
    expect(screen.getByText("1 of 3")).toBeTruthy();
  });

  it("filters by every word, and says when nothing matches", () => {
    column();
    const filter = screen.getByRole("searchbox");
    fireEvent.input(filter, { target: { value: "text r-2" } });
    expect(screen.getAllByRole("option")).toHaveLength(1);
    fireEvent.input(filter, { target: { value: "nowhere" } });
    expect(screen.queryAllByRole("option")).toHaveLength(0);
    expect(screen.getByText("Nothing matches the filter.")).toBeTruthy();
  });

  it("stays small with thousands of entries, and says how many are not shown", () => {
    const many = Array.from({ length: 5000 }, (_, at) => ({ localId: `R-${at}`, label: "x" }));
    column({ entries: many, total: 5000 });
    expect(screen.getAllByRole("option")).toHaveLength(300);
    expect(screen.getByText("4700 more: filter to see them")).toBeTruthy();
  });
});
