// Every page of a server that has nothing yet: nothing leaves the origin, no error in the console, usable by everybody.
import { expect, test } from "@playwright/test";
import { expectUsableByEverybody, watch } from "./checks";
import { type Running, start } from "./server";

let server: Running;
test.beforeAll(async () => {
  server = await start();
});
test.afterAll(async () => server?.stop());

const PATHS = [
  "/",
  "/systems",
  "/systems/none",
  "/processes",
  "/runs",
  "/scores",
  "/proposals",
  "/prompts",
  "/prompts/none",
  "/memory",
  "/nowhere",
];

for (const path of PATHS) {
  test(`${path} stays at home, is quiet and can be used by everybody`, async ({ page }) => {
    const seen = await watch(page, server.url);
    await page.goto(`${server.url}${path}`);
    await expect(page.getByRole("main").getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByText("Loading …")).toHaveCount(0);
    await expectUsableByEverybody(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await expectUsableByEverybody(page);
    expect(seen).toEqual({ left: [], errors: [] });
  });
}

test("Back leads to the page before, and the first Tab offers to skip the navigation", async ({ page }) => {
  await page.goto(server.url);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  const navigation = page.getByRole("navigation", { name: "Main" });
  await navigation.getByRole("link", { name: "Scores" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Scores" })).toBeVisible();
  await expect(page).toHaveTitle("Scores · ProcOS");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  await expect(navigation.getByRole("link", { name: "Overview" })).toHaveAttribute("aria-current", "page");
});

test("what goes wrong is said with its code, and nothing is half built", async ({ page }) => {
  await page.goto(`${server.url}/systems`);
  await page.getByRole("button", { name: "Build a system from requirements" }).click();
  await page.getByLabel("Name", { exact: true }).fill("nothing");
  await page.getByRole("textbox", { name: "Requirements" }).fill("   ");
  await page.getByRole("button", { name: "Build", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText(/[A-Z]+-\d{4}/);
  await page.reload();
  await expect(page.getByText("No system yet")).toBeVisible();
});

test("GraphiQL works without a network", async ({ page }) => {
  const seen = await watch(page, server.url);
  await page.goto(`${server.url}/graphiql`);
  await expect(page.getByText("requirementCount").first()).toBeVisible();
  await page.getByRole("button", { name: /Execute query/i }).click();
  await expect(page.locator(".result-window")).toContainText("systems");
  expect(seen.left).toEqual([]);
});
