<?php
// An ERP's receiver of changes, in short: PHP 8 with PDO, here on SQLite.
//
//     CHANGES_SECRET=whsec_… CHANGES_DSN=sqlite:changes.sqlite php -S 127.0.0.1:9000 receive.php
//
// `composer require standard-webhooks/standard-webhooks` verifies as `is_signed` does:
// (new \StandardWebhooks\Webhook($secret))->verify($body, $headers).

declare(strict_types=1);

const MAX_AGE_SECONDS = 300;

// Unless it says otherwise: whatever goes wrong, nothing was taken.
http_response_code(500);

/** An answer that is no success; the transaction is rolled back. */
final class Refusal extends RuntimeException {}

/** Standard Webhooks: an HMAC over the bytes as they came. During a rotation there are two signatures. */
function is_signed(string $secret, string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > MAX_AGE_SECONDS) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return true;
        }
    }
    return false;
}

function open_database(string $dsn): PDO
{
    $db = new PDO($dsn, options: [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 30]);
    $db->exec('CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY, log TEXT, after INTEGER, hash TEXT)');
    $db->exec('CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY, hash TEXT, entry TEXT)');
    return $db;
}

function one(PDO $db, string $query, mixed ...$values): array|false
{
    $statement = $db->prepare($query);
    $statement->execute($values);
    return $statement->fetch(PDO::FETCH_ASSOC);
}

function hash_of(PDO $db, int $sequence): ?string
{
    return one($db, 'SELECT hash FROM changes WHERE sequence = ?', $sequence)['hash'] ?? null;
}

/** Apply a page and move the cursor, in the transaction of the caller. */
function take(PDO $db, array $page): void
{
    $held = one($db, 'SELECT log, after, hash FROM cursor');
    if ($held) {
        $hash = $page['after'] === $held['after'] ? $held['hash'] : hash_of($db, $page['after']);
        if ($page['log'] !== $held['log'] || ($page['after'] <= $held['after'] && $hash && $hash !== $page['after_hash'])) {
            throw new Refusal("The history has changed: we hold log {$held['log']} up to {$held['after']}.", 409);
        }
        if ($page['after'] > $held['after']) {
            throw new Refusal("A page is missing: resume after {$held['after']}.", 503);
        }
    }
    foreach ($page['data'] as $change) {
        $known = hash_of($db, $change['sequence']);
        if ($known && $known !== $change['hash']) {
            throw new Refusal("The history has changed: we hold another change {$change['sequence']}.", 409);
        }
        if (!$known) {
            one($db, 'INSERT INTO changes VALUES (?, ?, ?)', $change['sequence'], $change['hash'], json_encode($change));
            apply($db, $change);
        }
    }
    $last = end($page['data']);
    if ($last && (!$held || $last['sequence'] > $held['after'])) {
        one($db, 'REPLACE INTO cursor VALUES (1, ?, ?, ?)', $page['log'], $last['sequence'], $last['hash']);
    }
}

/** Your part: what the ERP does with a change that is new to it, in this transaction and nowhere else. */
function apply(PDO $db, array $change): void
{
    error_log("{$change['sequence']}  {$change['type']}");
}

function answer(int $status, string $why = ''): void
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    echo $why;
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    answer(204);
    return;
}
$body = file_get_contents('php://input');
if (!is_signed(getenv('CHANGES_SECRET'), $body)) {
    answer(401, 'The signature is missing, wrong, or more than five minutes old.');
    return;
}
$message = json_decode($body, true, flags: JSON_THROW_ON_ERROR);
if ($message['type'] !== 'changes') {
    answer(204);
    return;
}
$db = open_database(getenv('CHANGES_DSN'));
// Not PDO's own: two requests at once must not read the same cursor.
$db->exec('BEGIN IMMEDIATE');
try {
    take($db, $message);
    $db->exec('COMMIT');
    answer(204);
} catch (Refusal $refusal) {
    $db->exec('ROLLBACK');
    answer($refusal->getCode(), $refusal->getMessage());
}
