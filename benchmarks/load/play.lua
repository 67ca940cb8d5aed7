-- Plays prepared requests, each once: every thread reads a file of its own, in which each request stands behind its
-- length in eight digits. Prints what was measured as one line of JSON.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  file = assert(io.open(arguments[1] .. "." .. number, "rb"))
  exhausted = false
end

function request()
  local length = file:read(8)
  if length then
    last = file:read(tonumber(length))
  else
    exhausted = true
    wrk.thread:stop()
  end
  return last
end

function done(summary, latency)
  local out = false
  for _, thread in ipairs(threads) do
    out = out or thread:get("exhausted")
  end
  local counts = {}
  for place = 1, #latency do
    local value, count = latency(place)
    counts[place] = string.format("[%d,%d]", value, count)
  end
  local errors = summary.errors
  print(string.format(
    '\nRESULT {"microseconds": %d, "requests": %d, "failed": %d, "refused": %d, "exhausted": %s, "latencies": [%s]}',
    summary.duration, summary.requests, errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    tostring(out), table.concat(counts, ",")))
end
