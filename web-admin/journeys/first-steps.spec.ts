// A ProcOS that has nothing yet says how to begin, and an example is one click away.
import { expect, test } from "@playwright/test";
import { expectUsableByEverybody, watch } from "./checks";
import { type Running, start } from "./server";

let server: Running;
test.beforeAll(async () => {
  server = await start();
});
test.afterAll(async () => server?.stop());

test("the first page leads to requirements, to DAS and to an example that runs", async ({ page }) => {
  const seen = await watch(page, server.url);
  await page.goto(server.url);
  const steps = page.getByRole("region", { name: "First steps" });
  await steps.getByRole("button", { name: "Describe it to DAS" }).click();
  await expect(page.getByLabel("What should the process do?")).toBeFocused();
  await page.keyboard.press("Escape");
  await steps.getByRole("button", { name: "Light aircraft" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Light aircraft" })).toBeVisible();
  await expect(page.getByText("of the requirements are allocated")).toBeVisible();
  await page.getByRole("link", { name: "ProcOS" }).click();
  await expect(page.getByRole("region", { name: "Systems and their coverage" })).toContainText(
    "Light aircraft",
  );
  await expect(page.getByRole("region", { name: "Latest runs" }).getByRole("listitem").first()).toBeVisible();
  await expect(page.getByRole("region", { name: "Scores" }).getByRole("listitem").first()).toContainText("%");
  await expectUsableByEverybody(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await expectUsableByEverybody(page);
  expect(seen).toEqual({ left: [], errors: [] });
});
