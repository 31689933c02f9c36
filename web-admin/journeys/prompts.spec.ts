// A prompt from its first version to production and back, in the browser: tested with progress, approved, changed,
// compared on the same cases, rolled back. The model is an endpoint that speaks the protocol of OpenAI.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@playwright/test";
import { expectUsableByEverybody, tabTo, watch } from "./checks";
import { type Running, start } from "./server";

let endpoint: Server;
let server: Running;

/** Says what a prompt that names the tool makes it say; a vague one only gets it right one time in four. */
test.beforeAll(async () => {
  let asked = 0;
  endpoint = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const vague = body.includes("somehow");
      asked += 1;
      const content = vague && asked % 4 !== 0 ? "by a person" : "by a tool";
      response.writeHead(200, { "content-type": "application/json" }).end(
        JSON.stringify({
          id: "1",
          object: "chat.completion",
          created: 1,
          model: "scripted",
          choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
          usage: { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 },
        }),
      );
    });
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  const { port } = endpoint.address() as AddressInfo;
  server = await start({
    PROCOS_MODEL_BASE_URL: `http://127.0.0.1:${port}/v1`,
    PROCOS_MODEL_NAME: "scripted",
  });
  await graphql(`mutation($input: SavePromptInput!) { savePrompt(input: $input) { name } }`, {
    input: { name: "house/route", template: "How is {{task}} done? Name the tool.", note: "first" },
  });
  const tests = {
    cases: [
      {
        name: "copies",
        variables: { task: "copying a file" },
        assertions: [{ assert: "contains", text: "tool" }],
      },
    ],
  };
  await graphql(`mutation($tests: JSON!) { savePromptTests(name: "house/route", tests: $tests) { name } }`, {
    tests,
  });
});
test.afterAll(async () => {
  await server?.stop();
  endpoint?.close();
});

async function graphql(query: string, variables: unknown) {
  const answer = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { errors } = (await answer.json()) as { errors?: unknown };
  expect(errors).toBeUndefined();
}

test("a prompt is tested, approved, changed, compared and rolled back", async ({ page }) => {
  const seen = await watch(page, server.url);
  await page.goto(`${server.url}/prompts`);
  await page.getByRole("link", { name: "house/route" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "house/route" })).toBeVisible();
  const cards = page.getByRole("article");
  await expect(cards).toHaveCount(1);
  await expect(cards.first()).toContainText("not tried yet");

  // By keyboard alone.
  await tabTo(page, cards.first().getByRole("button", { name: /^Test/ }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status")).toContainText("was tested");
  await expect(cards.first()).toContainText("Newest test: pass, 12 of 12 trials with scripted");
  await expect(cards.first()).toContainText(/93 %.*12 trials/);
  await cards.first().getByLabel("Why it may be used").fill("reads well");
  await page.keyboard.press("Enter");
  await expect(cards.first().getByText("production", { exact: true })).toBeVisible();
  await expect(cards.first()).toContainText("reads well");
  await expectUsableByEverybody(page);

  await page.getByRole("button", { name: "Write a new version" }).click();
  await page.getByRole("textbox", { name: "user" }).fill("Do {{task}} somehow.");
  await page.getByLabel("What changed").fill("shorter");
  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(cards).toHaveCount(2);
  const newest = cards.first();
  await newest.getByRole("button", { name: "Show difference" }).click();
  await expect(newest.getByRole("insertion").or(newest.locator("ins"))).toContainText("somehow");
  await newest.getByRole("button", { name: /^Compare with production/ }).click();
  await expect(newest).toContainText("worse");
  await newest.getByRole("button", { name: /^Test/ }).click();
  await expect(newest).toContainText("Newest test: fail");
  await expect(newest.getByRole("button", { name: /^Approve/ })).toHaveCount(0);
  await expectUsableByEverybody(page);

  // A third one that is good goes into production, and one click takes it back.
  await page.getByRole("button", { name: "Write a new version" }).click();
  await page.getByRole("textbox", { name: "user" }).fill("Which tool does {{task}}?");
  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(cards).toHaveCount(3);
  await newest.getByRole("button", { name: /^Test/ }).click();
  await expect(newest).toContainText("Newest test: pass");
  await newest.getByLabel("Why it may be used").fill("clearer");
  await newest.getByRole("button", { name: /^Approve/ }).click();
  await expect(newest.getByText("production", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Roll back" }).click();
  await expect(page.getByRole("status")).toContainText("rolled back");
  await expect(cards.last().getByText("production", { exact: true })).toBeVisible();
  expect(seen).toEqual({ left: [], errors: [] });
});
