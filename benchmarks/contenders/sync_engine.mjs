// @supabase/stripe-sync-engine behind Node's own HTTP server, in two processes. `migrate` makes its tables.

import cluster from "node:cluster";
import http from "node:http";
import { createRequire } from "node:module";

// It is installed elsewhere.
const { StripeSync, runMigrations } = createRequire(process.env.INSTALLED_IN + "/")("@supabase/stripe-sync-engine");
const { DATABASE_URL, PORT, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET } = process.env;

if (process.argv[2] === "migrate") {
  // It only reports its errors, and goes on.
  const logger = { info() {}, error(error) { console.error(error); process.exit(1); } };
  await runMigrations({ databaseUrl: DATABASE_URL, schema: "stripe", logger });
} else if (cluster.isPrimary) {
  cluster.fork();
  cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  const sync = new StripeSync({
    poolConfig: { connectionString: DATABASE_URL, max: 10 },
    stripeSecretKey: STRIPE_SECRET_KEY,
    stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
  });
  http
    .createServer((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", async () => {
        try {
          await sync.processWebhook(Buffer.concat(parts), request.headers["stripe-signature"]);
          response.writeHead(200, { "Content-Type": "application/json" }).end('{"received":true}');
        } catch (error) {
          console.error(error);
          response.writeHead(400, { "Content-Type": "application/json" }).end('{"received":false}');
        }
      });
    })
    .listen(Number(PORT), "127.0.0.1", () => console.log("Started worker"));
}
