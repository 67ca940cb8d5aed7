// An ERP's receiver of changes, in short: ASP.NET Core 8 with the package Microsoft.Data.Sqlite.
//
//     CHANGES_SECRET=whsec_… CHANGES_DATABASE="Data Source=changes.sqlite" dotnet run --urls http://127.0.0.1:9000
//
// Any database with transactions will do.

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

const long MaxAgeSeconds = 300;
var secret = Environment.GetEnvironmentVariable("CHANGES_SECRET")!;
var key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret["whsec_".Length..] : secret);
var database = Environment.GetEnvironmentVariable("CHANGES_DATABASE")!;
using (var db = Open())
{
    Execute(db, null, "CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY, log TEXT, after INTEGER, hash TEXT)");
    Execute(db, null, "CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY, hash TEXT, entry TEXT)");
}

var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => Results.NoContent());
app.MapPost("/", async (HttpRequest request) =>
{
    using var buffer = new MemoryStream();
    await request.Body.CopyToAsync(buffer);
    var body = buffer.ToArray();
    if (!IsSigned(request.Headers, body))
    {
        return Results.Text("The signature is missing, wrong, or more than five minutes old.", statusCode: 401);
    }
    using var message = JsonDocument.Parse(body);
    return message.RootElement.GetProperty("type").GetString() == "changes" ? Take(message.RootElement) : Results.NoContent();
});
app.Run();

// Standard Webhooks: an HMAC over the bytes as they came. During a rotation there are two signatures.
bool IsSigned(IHeaderDictionary headers, byte[] body)
{
    var timestamp = headers["webhook-timestamp"].ToString();
    if (!long.TryParse(timestamp, out var seconds)
        || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds) > MaxAgeSeconds)
    {
        return false;
    }
    byte[] signed = [.. Encoding.UTF8.GetBytes($"{headers["webhook-id"]}.{timestamp}."), .. body];
    var expected = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
    return headers["webhook-signature"].ToString().Split(' ')
        .Any(given => CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(given)));
}

// Apply a page and move the cursor, in one transaction. Leaving without a commit rolls back.
IResult Take(JsonElement page)
{
    var log = page.GetProperty("log").GetString()!;
    var after = page.GetProperty("after").GetInt64();
    using var db = Open();
    using var transaction = db.BeginTransaction();
    var held = Cursor(db, transaction);
    if (held is not null)
    {
        if (log != held.Log)
        {
            return Changed($"we hold log {held.Log}");
        }
        if (after > held.After)
        {
            return Results.Text($"A page is missing: resume after {held.After}.", statusCode: 503);
        }
        var hash = after == held.After ? held.Hash : HashOf(db, transaction, after);
        if (hash is not null && hash != page.GetProperty("after_hash").GetString())
        {
            return Changed($"we hold another change {after}");
        }
    }
    foreach (var change in page.GetProperty("data").EnumerateArray())
    {
        var sequence = change.GetProperty("sequence").GetInt64();
        var hash = change.GetProperty("hash").GetString()!;
        var known = HashOf(db, transaction, sequence);
        if (known is not null && known != hash)
        {
            return Changed($"we hold another change {sequence}");
        }
        if (known is null)
        {
            Execute(db, transaction, "INSERT INTO changes VALUES ($1, $2, $3)", sequence, hash, change.GetRawText());
            Apply(change);
        }
        if (held is null || sequence > held.After)
        {
            Execute(db, transaction, "REPLACE INTO cursor VALUES (1, $1, $2, $3)", log, sequence, hash);
        }
    }
    transaction.Commit();
    return Results.NoContent();
}

// Your part: what the ERP does with a change that is new to it, in this transaction and nowhere else.
void Apply(JsonElement change) =>
    Console.WriteLine($"{change.GetProperty("sequence")}  {change.GetProperty("type").GetString()}");

IResult Changed(string why) => Results.Text($"The history has changed: {why}.", statusCode: 409);

SqliteConnection Open()
{
    var db = new SqliteConnection(database);
    db.Open();
    return db;
}

Held? Cursor(SqliteConnection db, SqliteTransaction transaction)
{
    using var row = Command(db, transaction, "SELECT log, after, hash FROM cursor").ExecuteReader();
    return row.Read() ? new Held(row.GetString(0), row.GetInt64(1), row.GetString(2)) : null;
}

string? HashOf(SqliteConnection db, SqliteTransaction transaction, long sequence) =>
    (string?)Command(db, transaction, "SELECT hash FROM changes WHERE sequence = $1", sequence).ExecuteScalar();

void Execute(SqliteConnection db, SqliteTransaction? transaction, string text, params object[] values) =>
    Command(db, transaction, text, values).ExecuteNonQuery();

SqliteCommand Command(SqliteConnection db, SqliteTransaction? transaction, string text, params object[] values)
{
    var command = db.CreateCommand();
    (command.CommandText, command.Transaction) = (text, transaction);
    for (var number = 0; number < values.Length; number++)
    {
        command.Parameters.AddWithValue($"${number + 1}", values[number]);
    }
    return command;
}

record Held(string Log, long After, string Hash);
