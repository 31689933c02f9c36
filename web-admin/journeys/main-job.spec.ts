// The main job in the browser: requirements to a system, its trace, a process changed and run, scores, the assistant.
import { expect, type Page, test } from "@playwright/test";
import { expectMarkUncovered, expectUsableByEverybody, tabTo, watch } from "./checks";
import { type Running, start } from "./server";

// Each step stands on what the one before built, as a person's does.
test.describe.configure({ mode: "serial" });

let server: Running;
test.beforeAll(async () => {
  server = await start();
});
test.afterAll(async () => server?.stop());

const REQUIREMENTS = [
  "# Trainer aircraft",
  "## Airframe",
  "- R-1: The wing shall carry a limit load factor of at least 3.8.",
  "- R-2: The aircraft take-off mass shall not exceed 600 kg.",
  "## Propulsion",
  "- R-3: When the starter is engaged, the engine shall start within 10 s.",
  "- R-4: The fuel system shall hold at least 80 l of fuel.",
].join("\n");

const main = (page: Page) => page.getByRole("navigation", { name: "Main" });
const definitions = (page: Page) => page.getByRole("region", { name: "Process definitions" });

async function inLightAndDark(page: Page) {
  await expectUsableByEverybody(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await expectUsableByEverybody(page);
  await page.emulateMedia({ colorScheme: "light" });
}

test("from requirements to a running, scored process", async ({ page }) => {
  const seen = await watch(page, server.url);
  await page.goto(server.url);
  await page.getByRole("link", { name: "Build from requirements" }).click();
  await page.getByLabel("Name", { exact: true }).fill("trainer");
  await page.getByRole("textbox", { name: "Requirements" }).fill(REQUIREMENTS);
  await page.getByRole("button", { name: "Build", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "trainer" })).toBeVisible();
  await expect(page.getByText("100 % of the requirements are allocated")).toBeVisible();

  // Choosing a requirement lights up its line in the other columns; choosing there leads back.
  await page.getByRole("option", { name: /R-1\b/ }).click();
  for (const column of ["Components", "Functions", "Processes"]) {
    await expect(page.getByRole("region", { name: column }).locator(".lit").first()).toBeVisible();
  }
  await expect(page.getByRole("region", { name: "Details" })).toContainText("limit load factor");
  await inLightAndDark(page);
  await page.getByRole("region", { name: "Components" }).locator(".lit").first().click();
  await expect(page.getByRole("region", { name: "Requirements" }).locator(".lit").first()).toContainText(
    "R-1",
  );
  await expect(page.getByRole("region", { name: "Details" })).toContainText("Why it exists");

  // A process, with a diagram, and its mark.
  await page.getByRole("option", { name: /R-1\b/ }).click();
  await page.getByRole("region", { name: "Processes" }).locator(".lit").first().click();
  await page.getByRole("link", { name: "Open the process" }).click();
  await expect(page.locator(".djs-shape").first()).toBeVisible();
  await expectMarkUncovered(page);
  await inLightAndDark(page);
  await page.getByRole("button", { name: "Check" }).click();
  await expect(page.getByRole("status").first()).toBeVisible();
  // A slow machine does fewer in the time that a simulation may take.
  await page.getByRole("button", { name: "Try 200 times" }).click();
  await expect(page.getByRole("status", { name: "Simulation" })).toContainText(/\d+ trials?/, {
    timeout: 45_000,
  });

  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("button", { name: "Turn the key" }).click();
  await expect(page).toHaveURL(/\/runs\/\d+$/);
  await expect(page.getByText("completed", { exact: true }).first()).toBeVisible();
  await expect(page.locator(".is-done").first()).toBeVisible();
  await expect(page.getByRole("region", { name: "Tasks" }).getByRole("article").first()).toBeVisible();
  await expectMarkUncovered(page);
  await inLightAndDark(page);
  await page.getByText(/^Trail \(\d+ entries\)$/).click();
  await expect(page.getByRole("cell", { name: "instance.completed" })).toBeVisible();

  await main(page).getByRole("link", { name: "Runs" }).click();
  await expect(page.getByRole("region", { name: "Runs" }).getByRole("row").nth(1)).toContainText("completed");
  await inLightAndDark(page);
  await main(page).getByRole("link", { name: "Scores" }).click();
  await expect(page.getByRole("region", { name: "Scores" }).getByRole("row").nth(1)).toContainText("%");
  await inLightAndDark(page);
  expect(seen).toEqual({ left: [], errors: [] });
});

test("a process is changed in the editor and saved as a new version", async ({ page }) => {
  const seen = await watch(page, server.url);
  await page.goto(`${server.url}/processes`);
  await definitions(page).getByRole("link").first().click();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const outline = page.getByRole("navigation", { name: "Outline" });
  const save = page.getByRole("button", { name: "Save as a new version" });
  await outline.getByRole("button").nth(1).click();
  await expectMarkUncovered(page);
  await inLightAndDark(page);
  await expect(save).toBeDisabled();
  const name = page.getByLabel("Name", { exact: true });
  const before = await name.inputValue();
  await name.fill("Renamed by a person");
  await name.press("Enter");
  await expect(outline.getByText("Renamed by a person").first()).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(outline.getByText("Renamed by a person")).toHaveCount(0);
  await expect(name).toHaveValue(before);
  await page.getByRole("button", { name: "Redo" }).click();
  await expect(name).toHaveValue("Renamed by a person");
  await save.click();
  await expect(page.getByText(/^version 2,/)).toBeVisible();
  await page.getByText("The steps in words").click();
  await expect(page.getByRole("figure").getByText("Renamed by a person").first()).toBeVisible();
  // What ProcOS declares survived the edit: the new version still computes.
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("button", { name: "Turn the key" }).click();
  await expect(page.getByText("completed", { exact: true }).first()).toBeVisible();
  await expect(page.getByRole("region", { name: "Tasks" }).getByRole("article").first()).toBeVisible();
  expect(seen).toEqual({ left: [], errors: [] });
});

test("the assistant drafts a process, and nothing is deployed before a person accepts", async ({ page }) => {
  const seen = await watch(page, server.url);
  await page.goto(`${server.url}/processes`);
  await expect(definitions(page).getByRole("link").first()).toBeVisible();
  const before = await definitions(page).getByRole("link").count();
  await page.keyboard.press("Control+k");
  await page
    .getByLabel("What should the process do?")
    .fill("Build a process to ingest data and train a model");
  await page.getByRole("button", { name: "Draft it" }).click();
  const draft = page.getByRole("region", { name: "Draft" });
  await expect(draft.locator(".djs-shape").first()).toBeVisible();
  await expectUsableByEverybody(page);
  expect(await definitions(page).getByRole("link").count()).toBe(before);
  await page.getByRole("button", { name: "Accept and deploy" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /train/i })).toBeVisible();

  await main(page).getByRole("link", { name: "Proposals" }).click();
  await expect(page.getByText("accepted", { exact: true })).toBeVisible();
  await expectUsableByEverybody(page);
  await main(page).getByRole("link", { name: "Memory" }).click();
  await page.getByRole("searchbox").fill("train a model");
  await page.getByRole("button", { name: "Recall" }).click();
  await expect(page.getByText("What memory knows about “train a model”")).toBeVisible();
  await expect(page.getByRole("main").getByRole("listitem").first()).toBeVisible();
  await expectUsableByEverybody(page);
  expect(seen).toEqual({ left: [], errors: [] });
});

test("the trace is walked, and a process is run, with the keyboard alone", async ({ page }) => {
  await page.goto(`${server.url}/systems`);
  await tabTo(page, page.getByRole("link", { name: "trainer" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "trainer" })).toBeVisible();
  await tabTo(page, page.getByRole("option", { name: /R-1\b/ }));
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: /R-2\b/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("option", { name: /R-2\b/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("region", { name: "Components" }).locator(".lit").first()).toBeFocused();
  await page.keyboard.press("ArrowRight");
  const process = page.getByRole("region", { name: "Processes" }).locator(".lit").first();
  await expect(process).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Open the process" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Run", exact: true }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Turn the key" }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/runs\/\d+$/);
  await expect(page.getByText("completed", { exact: true }).first()).toBeVisible();

  await page.goBack();
  await page.goBack();
  await tabTo(page, page.getByRole("option", { name: /R-1\b/ }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".lit").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".lit")).toHaveCount(0);
});
