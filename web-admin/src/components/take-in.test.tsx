import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const see = vi.fn();
vi.mock("../jobs", () => ({ see }));

const { TakeIn } = await import("./take-in");

beforeEach(() => see.mockReset().mockResolvedValue(undefined));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function choose(name: string) {
  render(<TakeIn />);
  const file = new File(["id,text\nR-1,It shall brake.\n"], name);
  fireEvent.change(screen.getByLabelText("File"), { target: { files: [file] } });
  return file;
}

describe("a file of another tool", () => {
  it("goes to the server as it is, and its job is followed", async () => {
    const fetched = vi.fn().mockResolvedValue({ ok: true, json: async () => ({ id: "job-1" }) });
    vi.stubGlobal("fetch", fetched);
    const file = choose("brake & more.csv");
    expect((screen.getByLabelText("System") as HTMLInputElement).value).toBe("brake & more");
    fireEvent.submit(screen.getByRole("button", { name: "Take in" }).closest("form") as HTMLFormElement);
    await waitFor(() => expect(see).toHaveBeenCalledWith("job-1", "brake & more"));
    expect(fetched).toHaveBeenCalledWith(
      "/api/systems/brake%20%26%20more/import?file_name=brake%20%26%20more.csv",
      { method: "POST", body: file },
    );
  });

  it("that is refused says why, and what to do", async () => {
    const error = { message: "there is no format doc", code: "HTTP-0008", hint: "POST the file as the body" };
    vi.stubGlobal("fetch", vi.fn().mockResolvedValue({ ok: false, json: async () => ({ error }) }));
    choose("brake.doc");
    fireEvent.submit(screen.getByRole("button", { name: "Take in" }).closest("form") as HTMLFormElement);
    expect(await screen.findByText(/there is no format doc/)).toBeTruthy();
    expect(see).not.toHaveBeenCalled();
  });
});
