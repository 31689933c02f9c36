// Runs the public GraphQL-over-HTTP audits against a server: node graphql-audit.mjs URL
import { serverAudits } from "graphql-http";

const url = process.argv[2];
if (!url) {
  console.error("usage: node graphql-audit.mjs http://127.0.0.1:8080/graphql");
  process.exit(2);
}
const count = { ok: 0, notice: 0, warn: 0, error: 0 };
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  count[result.status] += 1;
  if (result.status !== "ok") console.log(result.status, result.id, result.name, "-", result.reason);
}
console.log(JSON.stringify(count));
process.exit(count.error + count.warn > 0 ? 1 : 0);
