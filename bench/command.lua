-- SPDX-License-Identifier: MIT
--
-- command: what the command lipsync costs beside the library's own loop, beside
-- its VM alone, and beside curl with jq. `make bench-command` runs it beside an
-- emulator. The best of several runs counts, taken in turn.

local now = require "lipsync.core".now

local vm = arg[1] or "lua5.4"
local runs = tonumber(arg[2]) or 10
local url = os.getenv "SYNC_BASE_URL"

local function seconds(line)
  local from = now()
  local done = os.execute(line)
  assert(done == true or done == 0, line)
  return now() - from
end

-- The least of each of several commands (milliseconds).
local function least(times, ...)
  local best = {}
  for _ = 1, times do
    for i, line in ipairs { ... } do
      best[i] = math.min(best[i] or math.huge, seconds(line) * 1000)
    end
  end
  return best
end

local function say(what, best, other, reference)
  print(("%-34s %9.1f ms  %-26s %9.1f ms  %5.2f x  %+.1f ms"):format(what, best,
    other, reference, best / reference, best - reference))
end

local lipsync = vm .. " bin/lipsync "

local version = least(3 * runs, lipsync .. "--version >/dev/null",
  vm .. " -v >/dev/null 2>&1")
say("lipsync --version", version[1], vm .. " -v", version[2])

local all = least(math.max(2, runs / 3),
  lipsync .. "list --json >build/all.json",
  vm .. " bench/list.lua " .. url .. " >/dev/null")
say("lipsync list --json >file", all[1], "the library's loop", all[2])

local columns = "[.id,.status,.createdAt,.model,.errorCode,.outputFileName]"
local ten = least(2 * runs, lipsync .. "list --limit 10 >/dev/null",
  ("curl -s -H 'x-api-key: test-key' '%s/v2/generations?limit=10' | "
    .. "jq -r '.[]|%s|@tsv' >/dev/null"):format(url, columns))
say("lipsync list --limit 10", ten[1], "curl | jq", ten[2])
os.remove "build/all.json"
