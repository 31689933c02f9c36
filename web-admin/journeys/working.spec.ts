// A day with running processes: a task for a person, an incident, cancelling, feedback, trying before saving, versions.
import { expect, type Page, test } from "@playwright/test";
import { expectUsableByEverybody, watch } from "./checks";
import { type Running, start } from "./server";

// Each step stands on what the one before built, as a person's does.
test.describe.configure({ mode: "serial" });

let server: Running;
test.beforeAll(async () => {
  server = await start();
});
test.afterAll(async () => server?.stop());

const NAMESPACES =
  'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="https://example.org/journeys"';

/** A price, a signature, a decision; the price is refused where the amount is below zero. */
const ORDER = `<?xml version="1.0" encoding="UTF-8"?>
<definitions ${NAMESPACES} id="order_file">
  <process id="order" name="Order" isExecutable="true">
    <startEvent id="begin" name="Order received"/>
    <sequenceFlow id="f1" sourceRef="begin" targetRef="price"/>
    <serviceTask id="price" name="Price the order">
      <extensionElements><procos:task by="feel">
        <procos:compute variable="amount" expression="=if amount = null then 5 else amount"/>
        <procos:compute variable="total" expression="=assert(2 * amount, amount &gt;= 0, &quot;the amount is below zero&quot;)"/>
      </procos:task></extensionElements>
    </serviceTask>
    <sequenceFlow id="f2" sourceRef="price" targetRef="sign"/>
    <userTask id="sign" name="Sign the order"><documentation>Say whether it may go out.</documentation></userTask>
    <sequenceFlow id="f3" sourceRef="sign" targetRef="signed"/>
    <exclusiveGateway id="signed" name="Approved?" default="no"/>
    <sequenceFlow id="yes" name="yes" sourceRef="signed" targetRef="sent">
      <conditionExpression xsi:type="tFormalExpression">=approved = true</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="no" name="no" sourceRef="signed" targetRef="refused"/>
    <endEvent id="sent" name="Order sent"/>
    <endEvent id="refused" name="Order refused"/>
  </process>
</definitions>`;

async function deploy(page: Page) {
  await page.goto(`${server.url}/processes`);
  await page
    .getByLabel("Deploy a BPMN file")
    .setInputFiles({ name: "order.bpmn", mimeType: "application/xml", buffer: Buffer.from(ORDER) });
  await expect(page.getByRole("heading", { level: 1, name: "Order" })).toBeVisible();
}

async function openOrder(page: Page) {
  await page.goto(`${server.url}/processes`);
  await page.getByRole("link", { name: "Order", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Order" })).toBeVisible();
}

/** Runs the process with the amount that is written into the form. */
async function run(page: Page, amount: string) {
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByLabel("amount", { exact: true }).fill(amount);
  await page.getByRole("button", { name: "Turn the key" }).click();
  await expect(page).toHaveURL(/\/runs\/\d+$/);
}

test("a person answers a task in a form, follows the run to its end and says how it went", async ({
  page,
}) => {
  const seen = await watch(page, server.url);
  await deploy(page);
  await run(page, "7");
  const task = page.getByRole("form", { name: "Sign the order waits for you" });
  await expect(task).toContainText("Say whether it may go out.");
  await expect(page.getByRole("region", { name: "Where it is" })).toContainText("Sign the order");
  await expect(page.locator(".djs-shape.has-token")).toHaveCount(1);
  await expectUsableByEverybody(page);
  await task.getByLabel("approved").selectOption("yes");
  await task.getByRole("button", { name: "Done" }).click();
  // The page follows by itself.
  await expect(page.getByText("completed", { exact: true }).first()).toBeVisible();
  await expect(page.locator('.djs-shape.is-done[data-element-id="sent"]')).toBeVisible();
  await expect(page.locator('.djs-shape.is-done[data-element-id="refused"]')).toHaveCount(0);
  await expect(page.getByRole("region", { name: "Tasks" })).toContainText("14");
  const feedback = page.getByRole("region", { name: "Feedback" });
  await feedback.getByLabel("What you saw").fill("it went out in time");
  await feedback.getByRole("button", { name: "Yes" }).click();
  await expect(feedback.getByRole("status")).toContainText("You said it was right");
  await page.getByText(/^Trail \(\d+ entries\)$/).click();
  await page.getByLabel("Filter the trail").fill("feedback in time");
  await expect(page.getByRole("cell", { name: "feedback.recorded" })).toBeVisible();
  await expect(page.getByRole("cell", { name: "instance.completed" })).toHaveCount(0);
  expect(seen).toEqual({ left: [], errors: [] });
});

test("a run that is stuck is tried again, and cancelled", async ({ page }) => {
  await openOrder(page);
  await run(page, "-1");
  const incident = page.getByRole("alert").first();
  await expect(incident).toContainText("the amount is below zero");
  await expect(page.locator(".djs-shape.has-incident")).toHaveCount(1);
  await page.goto(server.url);
  await expect(page.getByRole("region", { name: "Needs you" })).toContainText("the amount is below zero");
  await expectUsableByEverybody(page);
  await page.getByRole("region", { name: "Needs you" }).getByRole("link").first().click();
  // Nothing has changed, so it gets stuck again: a new incident takes the place of the one before.
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert").first()).toContainText("the amount is below zero");
  await page.getByRole("button", { name: "Cancel this run" }).click();
  await expect(page.getByText("cancelled", { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Cancel this run" })).toHaveCount(0);
});

test("what is not saved is tried without effects, walked through, checked, undone, saved and compared", async ({
  page,
}) => {
  const seen = await watch(page, server.url);
  await openOrder(page);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const outline = page.getByRole("navigation", { name: "Outline" });
  await outline.getByRole("button", { name: /^Price the order/ }).click();
  const expression = page.getByRole("group", { name: "computed value 2" }).getByLabel("is (FEEL)");
  await expression.fill("=3 * amount");
  await expression.press("Enter");

  // The dry run sees the change: 3 × 5.
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByRole("form", { name: "Run" }).getByRole("button", { name: "Dry run" }).click();
  const walk = page.getByRole("region", { name: "Dry run" });
  await expect(walk).toContainText("It reaches an end.");
  const taken = page.locator(".djs-connection.is-taken");
  await expect(taken).toHaveCount(4);
  await walk.getByRole("slider", { name: "Step" }).fill("1");
  await expect(walk.getByRole("heading", { level: 3 })).toContainText("Price the order");
  await expect(walk).toContainText("15");
  await expect(taken).toHaveCount(1);
  await expectUsableByEverybody(page);
  await walk.getByRole("button", { name: "Next step" }).click();
  await expect(walk.getByRole("heading", { level: 3 })).toContainText("Sign the order");

  // What is wrong is marked where it is.
  await expression.fill("=3 *");
  await expression.press("Enter");
  await page.getByRole("button", { name: "Check" }).click();
  const findings = page.getByRole("status", { name: "Findings" });
  await expect(findings).toContainText("error");
  await expect(page.locator('.djs-shape.finds-error[data-element-id="price"]')).toBeVisible();
  await findings.getByRole("button", { name: "price" }).first().click();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.locator(".finds-error")).toHaveCount(0);
  await expect(expression).toHaveValue("=3 * amount");

  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(page.getByText(/^version 2,/)).toBeVisible();
  const versions = page.getByRole("region", { name: "Versions" });
  await versions.getByRole("button", { name: "Compare with version 1" }).click();
  await expect(versions.getByRole("list", { name: "Changes" })).toHaveText("changed Price the order");
  await expect(versions.locator('.djs-shape.is-changed[data-element-id="price"]')).toHaveCount(2);
  await expectUsableByEverybody(page);
  expect(seen).toEqual({ left: [], errors: [] });
});

test("DAS is asked about the process on the page, and its change is shown before it is accepted", async ({
  page,
}) => {
  await openOrder(page);
  await page.keyboard.press("Control+k");
  const box = page.getByRole("dialog", { name: "Ask DAS" });
  await expect(box.getByRole("heading", { level: 2 })).toContainText("Order");
  await expect(box.getByLabel("What should be different?")).toBeFocused();
  await page.keyboard.type("Add a task to archive the order after signing");
  await page.keyboard.press("Control+Enter");
  const draft = box.getByRole("region", { name: "Draft" });
  await expect(draft.getByRole("list", { name: "Changes" })).toContainText("added");
  await expect(draft.locator(".djs-shape.is-added").first()).toBeVisible();
  await expectUsableByEverybody(page);
  await draft.getByRole("button", { name: "Reject" }).click();
  await expect(draft).toHaveCount(0);
  await box.getByRole("button", { name: "A new process instead" }).click();
  await expect(box.getByLabel("What should the process do?")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(box).toHaveCount(0);
});

test("any place is a few keys away, and the keys are listed", async ({ page }) => {
  await page.goto(server.url);
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toContainText("ask DAS");
  await expectUsableByEverybody(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await expect(page.getByRole("option", { name: /^Order\b.*process/ })).toBeVisible();
  await expectUsableByEverybody(page);
  await page.keyboard.type("order process");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Order" })).toBeVisible();
});
