// An ERP's receiver of changes, complete, with nothing but Node.js (20 or newer).
//
//     CHANGES_SECRET=whsec_… PORT=9000 CHANGES_FILE=changes.jsonl node receive.mjs
//
// The secret is what POST /api/subscribers answered. The npm package `standardwebhooks` verifies as `isSigned` does.
// In production, put it behind whatever ends TLS for your ERP.

import { createHmac, timingSafeEqual } from "node:crypto";
import fs from "node:fs";
import { createServer } from "node:http";
import process from "node:process";

const KEY = Buffer.from(process.env.CHANGES_SECRET.replace(/^whsec_/, ""), "base64");
const MAX_AGE_SECONDS = 300;
const MAX_BODY = 32 * 1024 * 1024;

/** The sender's log is not the one that we know: its database was restored from a backup, or altered. */
class HistoryChanged extends Error {}

/** The page does not follow what we hold, which ends earlier: it is our own data that was restored. */
class PageMissing extends Error {}

/**
 * What the ERP holds, in a file with one line for each page that it took: the new changes, and where they lead.
 *
 * A line is a transaction: changes and cursor get to the disk together, or a crash leaves half a line, which is dropped. With
 * a database, use one transaction of it instead, and keep the order of `take`.
 */
class Changes {
  cursor = { log: null, after: 0, hash: null };
  objects = new Map();
  orders = new Map();
  #hashes = new Map();

  constructor(path) {
    this.file = fs.openSync(path, "a+");
    const text = fs.readFileSync(this.file, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    fs.ftruncateSync(this.file, Buffer.byteLength(whole));
    this.size = Buffer.byteLength(whole);
    for (const line of whole.split("\n").slice(0, -1)) this.#remember(JSON.parse(line));
  }

  /** Returns the changes that are new. Throws HistoryChanged, PageMissing; then nothing was changed. */
  take(page) {
    this.#check(page);
    const changes = page.data.filter((entry) => this.#isNew(entry));
    const last = page.data.at(-1) ?? { sequence: page.after, hash: page.after_hash };
    const isFurther = this.cursor.log === null || last.sequence >= this.cursor.after;
    const cursor = isFurther ? { log: page.log, after: last.sequence, hash: last.hash } : this.cursor;
    const transaction = { cursor, changes };
    this.#write(`${JSON.stringify(transaction)}\n`);
    this.#remember(transaction);
    return changes;
  }

  #write(line) {
    const bytes = Buffer.from(line);
    try {
      for (let from = 0; from < bytes.length; ) from += fs.writeSync(this.file, bytes, from);
      fs.fsyncSync(this.file);
    } catch (error) {
      // A disk that is full, say: what comes next must not be appended to half a line.
      fs.ftruncateSync(this.file, this.size);
      throw error;
    }
    this.size += bytes.length;
  }

  #remember({ cursor, changes }) {
    this.cursor = cursor;
    for (const change of changes) {
      this.#hashes.set(change.sequence, change.hash);
      this.#apply(change);
    }
  }

  /** Your part: what the ERP does with a change. Changes of a type that is not known do no harm. */
  #apply(change) {
    if (!change.subject || (!change.object && !change.gone)) return;
    const key = `${change.subject.type} ${change.subject.id}`;
    // What is gone never came to be: a send that was undone, say.
    const object = change.gone ? null : change.object;
    keepNewest(this.objects, key, { sequence: change.sequence, object });
    if (change.sales_order) {
      keepNewest(this.orders, change.sales_order_id, { sequence: change.sequence, ...change.sales_order });
    }
  }

  /** The page has to follow what we hold, or to repeat it. */
  #check(page) {
    const { log, after, hash } = this.cursor;
    if (log === null) return;
    if (page.log !== log) throw new HistoryChanged(`we hold log ${log}, not ${page.log}`);
    if (page.after > after) throw new PageMissing(`we hold the changes up to ${after} only: resume after ${after}`);
    const held = page.after === after ? hash : this.#hashes.get(page.after);
    if (held && held !== page.after_hash) throw new HistoryChanged(`we hold another change ${page.after}`);
  }

  #isNew(entry) {
    const held = this.#hashes.get(entry.sequence);
    if (held && held !== entry.hash) throw new HistoryChanged(`we hold another change ${entry.sequence}`);
    return !held;
  }
}

function keepNewest(map, key, value) {
  if (value.sequence > (map.get(key)?.sequence ?? 0)) map.set(key, value);
}

/** Standard Webhooks: an HMAC over the bytes as they came. During a rotation there are two signatures. */
function isSigned(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) return false;
  const expected = createHmac("sha256", KEY).update(`${id}.${timestamp}.`).update(body).digest();
  return (headers["webhook-signature"] ?? "").split(" ").some((part) => {
    const [version, signature = ""] = part.split(",");
    const given = Buffer.from(signature, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** The answer's status, and why. */
function receive(changes, headers, body) {
  if (!isSigned(headers, body)) return [401, "The signature is missing, wrong, or more than five minutes old."];
  const message = JSON.parse(body.toString());
  if (message.type !== "changes") return [204, ""];
  try {
    for (const change of changes.take(message)) console.log(`${change.sequence}  ${change.type}`);
    // Only now, that it is on the disk.
    return [204, ""];
  } catch (error) {
    // Delivery stops, and the service holds this tenant's sends: somebody has to look.
    if (error instanceof HistoryChanged) return [409, `The history has changed: ${error.message}.`];
    // It comes again, and an administrator sees this text in the subscriber's deliveries.
    if (error instanceof PageMissing) return [503, `A page is missing: ${error.message}.`];
    console.error(error);
    return [500, "It could not be stored."];
  }
}

async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const changes = new Changes(process.env.CHANGES_FILE ?? "changes.jsonl");
const server = createServer(async (request, response) => {
  if (request.method !== "POST") return response.writeHead(204).end();
  const body = await readBody(request).catch(() => null);
  const [status, why] = body ? receive(changes, request.headers, body) : [413, "Too much, or cut off."];
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(why);
});
server.listen(Number(process.env.PORT ?? 9000), process.env.HOST ?? "127.0.0.1");
