import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as api from "../api";
import { see, underway } from "../jobs";
import { BeingBuilt } from "./underway";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  underway.value = [];
});

const step = { position: 1, stage: "requirements", done: 3, total: 9, finished: false };

describe("work that is under way", () => {
  it("can be cancelled, and whoever began it is told so", async () => {
    let cancelled = false;
    vi.spyOn(api, "follow").mockImplementation((_document, _variables, each) => {
      queueMicrotask(() => each({ bootstrapProgress: step } as never));
      return () => undefined;
    });
    const error = { code: "API-0005", message: "the job was cancelled", hint: null };
    vi.spyOn(api, "ask").mockImplementation(
      async () =>
        ({
          job: {
            id: "7",
            state: cancelled ? "FAILED" : "RUNNING",
            error: cancelled ? error : null,
            progress: [],
          },
        }) as never,
    );
    const tell = vi.spyOn(api, "tell").mockImplementation(async () => {
      cancelled = true;
      return { cancelJob: true } as never;
    });
    render(<BeingBuilt />);
    expect(screen.queryByRole("button")).toBeNull();
    const end = see("7", "brake", 5).catch((caught) => caught);
    const button = (await screen.findByRole("button", { name: "Cancel brake" })) as HTMLButtonElement;
    // A button of its own in the order of the page: it takes the focus, and so Enter and the space bar.
    button.focus();
    expect(document.activeElement).toBe(button);
    expect(button.type).toBe("button");
    fireEvent.click(button);
    expect(await end).toMatchObject({ message: "the job was cancelled" });
    expect(tell.mock.calls.map(([, variables]) => variables)).toEqual([{ id: "7" }]);
    await waitFor(() => expect(screen.queryByRole("button")).toBeNull());
  });

  it("says why where it cannot be cancelled, and can be tried again", async () => {
    underway.value = [{ id: "8", name: "wing", steps: [step] }];
    vi.spyOn(api, "tell").mockRejectedValue(new api.ApiError("the server does not answer"));
    render(<BeingBuilt />);
    const button = screen.getByRole("button", { name: "Cancel wing" }) as HTMLButtonElement;
    fireEvent.click(button);
    expect(await screen.findByText(/the server does not answer/)).toBeTruthy();
    expect(button.disabled).toBe(false);
  });
});
