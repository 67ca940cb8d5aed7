#!/usr/bin/env bash
# An ERP behind a firewall, with bash, curl and jq: it asks for changes and puts each page into a file of a folder.
#
#     CHANGES_URL=https://bridge.example.com CHANGES_TOKEN=… bash pull.sh pages
#
# A file is a transaction: it has the changes and where they lead, and appears as a whole or not at all. Process the files in
# order, and remove those that you have processed, but never the newest: it is the cursor. A file with `restart` true has lists
# instead of changes: forget the numbers that you have, and take over what the lists show.
set -euo pipefail

pages=${1:?a folder for the pages}
mkdir -p "$pages"
body=$(mktemp)
trap 'rm -f "$body" "$body".*' EXIT
pause=1

# GET a path; the answer is in $body. Prints the status, 000 if there was no answer.
get() {
    : > "$body.headers"
    curl --silent --show-error --max-time 40 --output "$body" --dump-header "$body.headers" --write-out '%{http_code}' \
        --header @- "$CHANGES_URL$1" <<< "Authorization: Bearer $CHANGES_TOKEN" || true
}

# Read a whole list, page by page: one object a line.
list() {
    local query="per_page=100" cursor
    while true; do
        [[ $(get "$1?$query") == 200 ]] || return 1
        jq --compact-output '.data[]' "$body"
        cursor=$(jq --raw-output '.next_cursor // empty' "$body")
        [[ -n $cursor ]] || return 0
        query="per_page=100&cursor=$(jq --null-input --raw-output --arg cursor "$cursor" '$cursor | @uri')"
    done
}

newest() { find "$pages" -name '*.json' | sort | tail -n 1; }

# Store standard input as the next file.
store() {
    local last number
    last=$(newest)
    number=$(basename "${last:-0}" .json)
    cat > "$pages/next.part"
    sync "$pages/next.part"
    mv "$pages/next.part" "$pages/$(printf '%012d' $((10#$number + 1))).json"
    sync "$pages"
}

# Another history, or one that goes back not far enough: take over the present state and go on behind it.
restart() {
    local problem integration invoice
    problem=$(cat "$body")
    echo "Starting over: $(jq --raw-output '.reason, .detail' <<< "$problem" | paste -sd ' ')" >&2
    list /api/stripe/integrations > "$body.integrations" || return 1
    : > "$body.invoices"
    for integration in $(jq .id "$body.integrations"); do
        list "/api/stripe/integrations/$integration/invoices" >> "$body.invoices" || return 1
    done
    : > "$body.refunds"
    for invoice in $(jq .id "$body.invoices"); do
        [[ $(get "/api/stripe/invoices/$invoice/refunds") == 200 ]] || return 1
        jq --compact-output --argjson invoice "$invoice" '.data[] | {invoice_id: $invoice} + .' "$body" >> "$body.refunds"
    done
    jq --null-input --argjson problem "$problem" --slurpfile integrations "$body.integrations" \
        --slurpfile invoices "$body.invoices" --slurpfile refunds "$body.refunds" \
        '{restart: true, log: $problem.log, next_after: $problem.restart_after, data: [],
          lists: {$integrations, $invoices, $refunds}}' | store
}

# The query that says what we hold: the database of the service may have been restored, and nobody else would notice.
held() {
    local last
    last=$(newest)
    if [[ -z $last ]]; then
        echo "after=0"
        return
    fi
    jq --raw-output '"after=\(.next_after)"
        + (if .log then "&log=\(.log)" else "" end)
        + (if .data[-1].hash then "&hash=\(.data[-1].hash)" else "" end)' "$last"
}

wait_and_ask_again() {
    local asked
    asked=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]*\).*/\1/p' "$body.headers")
    sleep "$(( ${asked:-0} > pause ? asked : pause ))"
    pause=$(( pause < 32 ? 2 * pause : 60 ))
}

while true; do
    status=$(get "/api/changes?$(held)&wait=25")
    case $status in
        200)
            pause=1
            if jq --exit-status '.data != []' "$body" > /dev/null; then
                store < "$body"
                jq --raw-output '.data[] | "\(.sequence)  \(.type)"' "$body"
            elif grep --quiet --ignore-case '^retry-after:' "$body.headers"; then
                # Nobody else may wait at the moment.
                wait_and_ask_again
            fi
            ;;
        409 | 410) restart || wait_and_ask_again ;;
        401 | 403)
            echo "The token is not accepted." >&2
            exit 1
            ;;
        *)
            echo "Asking again after status $status." >&2
            wait_and_ask_again
            ;;
    esac
done
