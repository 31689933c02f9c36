// Camunda 8's official TypeScript client, unchanged, against ProcOS: deploy, start, work, find.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCamundaClient } from "@camunda8/orchestration-cluster-api";
import { expect, test } from "@playwright/test";
import { type Running, start } from "./server";

const ORDER = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">
  <process id="order" isExecutable="true">
    <startEvent id="start"/>
    <serviceTask id="ship" name="Ship goods">
      <extensionElements><zeebe:taskDefinition type="ship-goods"/></extensionElements>
    </serviceTask>
    <endEvent id="end"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="ship"/>
    <sequenceFlow id="f2" sourceRef="ship" targetRef="end"/>
  </process>
</definitions>`;

let server: Running;
let folder: string;

test.beforeAll(async () => {
  server = await start();
  folder = mkdtempSync(join(tmpdir(), "procos-order-"));
});

test.afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("the official TypeScript client deploys, starts and works unchanged", async () => {
  const file = join(folder, "order.bpmn");
  writeFileSync(file, ORDER);
  const client = createCamundaClient({
    config: {
      CAMUNDA_REST_ADDRESS: server.url,
      CAMUNDA_AUTH_STRATEGY: "NONE",
      CAMUNDA_SDK_VALIDATION: "req:strict,res:strict",
    },
  });
  const topology = await client.getTopology();
  expect(topology.brokers).toHaveLength(1);
  const deployed = await client.deployResourcesFromFiles([file]);
  expect(deployed.processes[0]?.processDefinitionId).toBe("order");

  const worker = client.createJobWorker({
    jobType: "ship-goods",
    workerName: "warehouse",
    maxParallelJobs: 4,
    jobTimeoutMs: 30_000,
    jobHandler: (job) => job.complete({ shipped: job.variables.item }),
  });
  const ended = await client.createProcessInstance({
    processDefinitionId: deployed.processes[0]?.processDefinitionId as never,
    variables: { item: "pump" },
    awaitCompletion: true,
  });
  worker.stop();
  expect(ended.variables).toMatchObject({ shipped: "pump" });

  const found = await client.searchProcessInstances(
    { filter: { state: "COMPLETED", processDefinitionId: "order" as never } },
    { consistency: { waitUpToMs: 0 } },
  );
  expect(found.items.map((item) => item.processInstanceKey)).toEqual([ended.processInstanceKey]);
});
