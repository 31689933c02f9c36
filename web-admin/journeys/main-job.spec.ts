// The main job in the browser: requirements to a system, its trace, a process changed and run, scores, the assistant.
import { expect, type Page, test } from "@playwright/test";
import { type Running, start } from "./server";

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

/** Every request must stay at home; what would leave is refused and reported. */
async function stayAtHome(page: Page): Promise<string[]> {
  const left: string[] = [];
  await page.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.origin === server.url || url.protocol === "data:" || url.protocol === "blob:")
      return route.continue();
    left.push(url.href);
    return route.abort();
  });
  return left;
}

test("from requirements to a running, scored process", async ({ page }) => {
  const left = await stayAtHome(page);
  await page.goto(server.url);
  await page.getByRole("button", { name: "Build a system from requirements" }).click();
  await page.getByLabel("Name").fill("trainer");
  await page.getByRole("textbox", { name: "Requirements" }).fill(REQUIREMENTS);
  await page.getByRole("button", { name: "Build", exact: true }).click();
  await expect(page.getByRole("heading", { name: "trainer" })).toBeVisible();
  await expect(page.getByText("100 % of the requirements are allocated")).toBeVisible();

  // Choosing a requirement lights up its line in the other columns.
  await page.getByRole("option", { name: /R-1/ }).click();
  for (const column of ["Components", "Functions", "Processes"]) {
    await expect(page.getByRole("region", { name: column }).locator(".lit").first()).toBeVisible();
  }

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Processes" }).click();
  await page.getByRole("region", { name: "Process definitions" }).getByRole("link").first().click();
  await expect(page.locator(".djs-shape").first()).toBeVisible();

  // The mark of bpmn.io stays visible and uncovered.
  const mark = page.locator(".bjs-powered-by");
  await expect(mark).toBeVisible();
  const uncovered = await mark.evaluate((element) => {
    const box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return top !== null && (top === element || element.contains(top));
  });
  expect(uncovered).toBe(true);

  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("button", { name: "Turn the key" }).click();
  await expect(page.getByText("completed", { exact: true }).first()).toBeVisible();
  await expect(page.locator(".is-done").first()).toBeVisible();

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Scores" }).click();
  await expect(page.getByRole("region", { name: "Scores" }).getByRole("row").nth(1)).toBeVisible();
  expect(left).toEqual([]);
});

test("a process is changed in the editor and saved as a new version", async ({ page }) => {
  await page.goto(`${server.url}/processes`);
  await page.getByRole("region", { name: "Process definitions" }).getByRole("link").first().click();
  await page.getByRole("button", { name: "Edit" }).click();
  const outline = page.getByRole("navigation", { name: "Outline" });
  await outline.getByRole("button").nth(1).click();
  await page.getByLabel("Name").fill("Renamed by a person");
  await page.getByLabel("Name").press("Enter");
  await expect(outline.getByText("Renamed by a person").first()).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(outline.getByText("Renamed by a person")).toHaveCount(0);
  await page.getByRole("button", { name: "Redo" }).click();
  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(page.getByText("version 2")).toBeVisible();
});

test("the assistant drafts a process, and nothing is deployed before a person accepts", async ({ page }) => {
  await page.goto(server.url);
  await page.keyboard.press("Control+k");
  await page
    .getByLabel("What should the process do?")
    .fill("Build a process to ingest data and train a model");
  await page.getByRole("button", { name: "Draft it" }).click();
  await expect(page.getByRole("region", { name: "Draft" }).locator(".djs-shape").first()).toBeVisible();
  await page.getByRole("button", { name: "Accept and deploy" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /train/i })).toBeVisible();
});

test("the trace is walked with the keyboard alone", async ({ page }) => {
  await page.goto(`${server.url}/systems/trainer`);
  await page.getByRole("option", { name: /R-1/ }).focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: /R-2/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("option", { name: /R-2/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("region", { name: "Components" }).getByRole("option").first()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.locator(".lit")).toHaveCount(0);
});
