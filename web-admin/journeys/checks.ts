// What every page must keep, whatever a journey does on it.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";

/** Watches a page: requests that would leave the origin are refused and reported, and so are errors. */
export async function watch(page: Page, origin: string): Promise<{ left: string[]; errors: string[] }> {
  const seen = { left: [] as string[], errors: [] as string[] };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  await page.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.origin === origin || url.protocol === "data:" || url.protocol === "blob:")
      return route.continue();
    seen.left.push(url.href);
    return route.abort();
  });
  return seen;
}

/** None of axe's rules is broken. */
export async function expectUsableByEverybody(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

/** The mark of bpmn.io is seen whole, and nothing lies over it. */
export async function expectMarkUncovered(page: Page) {
  const mark = page.locator(".bjs-powered-by").first();
  await mark.scrollIntoViewIfNeeded();
  await expect(mark).toBeVisible();
  const corners = await mark.evaluate((element) => {
    const box = element.getBoundingClientRect();
    const inside = (part: number, from: number, length: number) => from + 1 + part * (length - 2);
    return [0, 0.5, 1].flatMap((x) =>
      [0, 0.5, 1].map((y) => {
        const top = document.elementFromPoint(inside(x, box.x, box.width), inside(y, box.y, box.height));
        return top !== null && (top === element || element.contains(top));
      }),
    );
  });
  expect(corners).toEqual(Array(9).fill(true));
}

/** Presses Tab until the element has the focus: it can be reached by keyboard, and the focus can be seen. */
export async function tabTo(page: Page, target: Locator, most = 80) {
  await expect(target).toBeVisible();
  for (let pressed = 0; pressed < most; pressed += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) {
      await expect(target).not.toHaveCSS("outline-style", "none");
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`${target} cannot be reached with ${most} times Tab`);
}
