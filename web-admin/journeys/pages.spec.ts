// Every page: nothing leaves the origin, no error in the console, no serious fault of accessibility.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { type Running, start } from "./server";

let server: Running;
test.beforeAll(async () => {
  server = await start();
});
test.afterAll(async () => server?.stop());

for (const path of ["/", "/processes", "/runs", "/scores", "/proposals", "/memory", "/nowhere"]) {
  test(`${path} stays at home, is quiet and can be used by everybody`, async ({ page }) => {
    const left: string[] = [];
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.route("**/*", (route) => {
      if (route.request().url().startsWith(server.url)) return route.continue();
      left.push(route.request().url());
      return route.abort();
    });
    await page.goto(`${server.url}${path}`);
    await expect(page.getByRole("main").getByRole("heading").first()).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    expect(left).toEqual([]);
    expect(errors).toEqual([]);
  });
}

test("GraphiQL works without a network", async ({ page }) => {
  const left: string[] = [];
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url.startsWith(server.url) || url.startsWith("data:") || url.startsWith("blob:"))
      return route.continue();
    left.push(url);
    return route.abort();
  });
  await page.goto(`${server.url}/graphiql`);
  await page.getByRole("button", { name: /Execute query/i }).click();
  await expect(page.locator(".result-window")).toContainText("systems");
  expect(left).toEqual([]);
});
