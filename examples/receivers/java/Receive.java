// An ERP's receiver of changes, in short: Java 17 with Gson and any JDBC driver, here SQLite's.
//
//     CHANGES_SECRET=whsec_… PORT=9000 CHANGES_DATABASE=jdbc:sqlite:changes.sqlite \
//         java -cp /usr/share/java/gson.jar:/usr/share/java/sqlite-jdbc.jar Receive.java
//
// The library com.standardwebhooks:standardwebhooks verifies as `isSigned` does: new Webhook(secret).verify(body, headers).

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receive {
    private static final long MAX_AGE_SECONDS = 300;
    private static final byte[] KEY =
        Base64.getDecoder().decode(System.getenv("CHANGES_SECRET").replaceFirst("^whsec_", ""));
    private static final String DATABASE = System.getenv("CHANGES_DATABASE");

    /** An answer that is no success; the transaction is rolled back. */
    private static class Refusal extends Exception {
        final int status;

        Refusal(int status, String why) {
            super(why);
            this.status = status;
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection db = DriverManager.getConnection(DATABASE)) {
            execute(db, "CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY, log TEXT, after INTEGER, hash TEXT)");
            execute(db, "CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY, hash TEXT, entry TEXT)");
        }
        int port = Integer.parseInt(System.getenv("PORT"));
        // It takes one request after the other.
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", Receive::handle);
        server.start();
    }

    private static void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            try {
                if (exchange.getRequestMethod().equals("POST")) {
                    receive(exchange.getRequestHeaders(), body);
                }
                exchange.sendResponseHeaders(204, -1);
            } catch (Refusal refusal) {
                answer(exchange, refusal.status, refusal.getMessage());
            } catch (Exception error) {
                error.printStackTrace();
                answer(exchange, 500, "It could not be stored.");
            }
        }
    }

    private static void answer(HttpExchange exchange, int status, String why) throws IOException {
        byte[] text = why.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, text.length);
        exchange.getResponseBody().write(text);
    }

    private static void receive(Headers headers, byte[] body) throws Exception {
        if (!isSigned(headers, body)) {
            throw new Refusal(401, "The signature is missing, wrong, or more than five minutes old.");
        }
        JsonObject message = JsonParser.parseString(new String(body, StandardCharsets.UTF_8)).getAsJsonObject();
        if (!message.get("type").getAsString().equals("changes")) {
            return;
        }
        try (Connection db = DriverManager.getConnection(DATABASE)) {
            db.setAutoCommit(false);
            // Closing it without a commit rolls back.
            take(db, message);
            db.commit();
        }
    }

    /** Standard Webhooks: an HMAC over the bytes as they came. During a rotation there are two signatures. */
    private static boolean isSigned(Headers headers, byte[] body) throws GeneralSecurityException {
        String id = headers.getFirst("webhook-id");
        String timestamp = headers.getFirst("webhook-timestamp");
        String signatures = headers.getFirst("webhook-signature");
        if (id == null || timestamp == null || signatures == null || !timestamp.matches("\\d{1,12}")
                || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > MAX_AGE_SECONDS) {
            return false;
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.UTF_8);
        for (String given : signatures.split(" ")) {
            if (MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.UTF_8))) {
                return true;
            }
        }
        return false;
    }

    /** Apply a page and move the cursor, in the transaction of the caller. */
    private static void take(Connection db, JsonObject page) throws Exception {
        String log = page.get("log").getAsString();
        long after = page.get("after").getAsLong();
        long heldAfter = -1;
        try (PreparedStatement cursor = statement(db, "SELECT log, after, hash FROM cursor"); ResultSet held = cursor.executeQuery()) {
            if (held.next()) {
                heldAfter = held.getLong("after");
                if (!log.equals(held.getString("log"))) {
                    throw new Refusal(409, "The history has changed: we hold log " + held.getString("log") + ".");
                }
                if (after > heldAfter) {
                    throw new Refusal(503, "A page is missing: resume after " + heldAfter + ".");
                }
                String hash = after == heldAfter ? held.getString("hash") : hashOf(db, after);
                requireSame(hash, page.get("after_hash").getAsString(), after);
            }
        }
        for (JsonElement each : page.getAsJsonArray("data")) {
            JsonObject change = each.getAsJsonObject();
            long sequence = change.get("sequence").getAsLong();
            String hash = change.get("hash").getAsString();
            String known = hashOf(db, sequence);
            requireSame(known, hash, sequence);
            if (known == null) {
                execute(db, "INSERT INTO changes VALUES (?, ?, ?)", sequence, hash, change.toString());
                apply(db, change);
            }
            if (sequence > heldAfter) {
                execute(db, "REPLACE INTO cursor VALUES (1, ?, ?, ?)", log, sequence, hash);
            }
        }
    }

    /** Your part: what the ERP does with a change that is new to it, in this transaction and nowhere else. */
    private static void apply(Connection db, JsonObject change) {
        System.out.println(change.get("sequence") + "  " + change.get("type").getAsString());
    }

    private static void requireSame(String held, String given, long sequence) throws Refusal {
        if (held != null && !held.equals(given)) {
            throw new Refusal(409, "The history has changed: we hold another change " + sequence + ".");
        }
    }

    private static String hashOf(Connection db, long sequence) throws SQLException {
        try (PreparedStatement query = statement(db, "SELECT hash FROM changes WHERE sequence = ?", sequence);
                ResultSet found = query.executeQuery()) {
            return found.next() ? found.getString(1) : null;
        }
    }

    private static void execute(Connection db, String text, Object... values) throws SQLException {
        try (PreparedStatement statement = statement(db, text, values)) {
            statement.executeUpdate();
        }
    }

    private static PreparedStatement statement(Connection db, String text, Object... values) throws SQLException {
        PreparedStatement statement = db.prepareStatement(text);
        for (int number = 0; number < values.length; number++) {
            statement.setObject(number + 1, values[number]);
        }
        return statement;
    }
}
