-- SPDX-License-Identifier: MIT
--
-- quickstart: lists, deletes and fails in every way worth knowing, against
-- the emulator: make demo runs it. It deletes a generation, so it refuses to
-- run against anything but this machine.

local lipsync = require "lipsync"

local base_url = os.getenv "SYNC_BASE_URL" or ""
if not base_url:match "^http://127%.0%.0%.1:" then
  io.stderr:write("quickstart deletes a generation; run it by: make demo\n")
  os.exit(1)
end

local client = lipsync.new()  -- all from the environment
local counts = { listed = 0, deleted = 0, refused = 0 }

-- A column of at most `width` characters; characters, not bytes.
local function column(text, width)
  text = tostring(text == nil and "-" or text)
  local length = select(2, text:gsub("[^\128-\191]", ""))
  return text .. (" "):rep(width - length)
end

local function row(...)
  local widths = { 36, 9, 18, 24 }
  local cells = {}
  for i = 1, select("#", ...) do
    cells[i] = column((select(i, ...)), widths[i] or 0)
  end
  print((("  " .. table.concat(cells, "  ")):gsub(" +$", "")))
end

-- 1. List with a filter. Each generation comes out of the loop while the
-- response is still arriving.
print "The newest eight that have ended:\n"
row("id", "status", "model", "created", "error code")
local newest
for generation in client.generations:list {
  status = { "COMPLETED", "FAILED", "REJECTED" }, limit = 8,
} do
  newest = newest or generation
  counts.listed = counts.listed + 1
  row(generation.id, generation.status, generation.model,
    generation.createdAt, generation.errorCode)
end

-- 2. Count, without transferring anything but the number.
local before = lipsync.assert(client.generations:count())

-- 3. Delete one: the response is the deleted generation.
print "\nDelete the newest of them:\n"
local deleted, err = newest:delete()
if deleted then
  counts.deleted = counts.deleted + 1
  print("  gone: " .. tostring(deleted))
else
  print("  " .. tostring(err))
end

-- What is expected to fail: `nil, err` comes back, nothing is raised.
local function refused(result, failure)
  if result then error "this should have failed" end
  counts.refused = counts.refused + 1
  print("  " .. tostring(failure))
  return failure
end

-- 4. The same one again: it is not there any more.
print "\nDelete it again:\n"
refused(client.generations:delete(newest.id))

-- 5. One that still runs cannot be deleted, and the error says what to do.
print "\nDelete one that is still being made:\n"
local listing = client.generations:list {
  status = { "PENDING", "PROCESSING" }, limit = 1,
}
local running = lipsync.assert(listing:next())
local conflict = refused(running:delete())
print("\n  statusCode  " .. conflict.statusCode)
print("  errorCode   " .. conflict.errorCode)
print("  suggestion  " .. tostring(conflict.suggestion))

-- 6. A wrong key.
print "\nList with a wrong key:\n"
local stranger = lipsync.new { api_key = "not-a-key" }
refused(stranger.generations:list({ limit = 1 }):next())
stranger:close()

-- 7. Why did one fail? The catalog explains its code.
local failed = client.generations:list({ status = "FAILED", limit = 1 }):next()
if failed then
  local entry = client.errors:explain(failed.errorCode, failed)
  print("\nWhy did " .. failed.id .. " fail?\n")
  print("  " .. (entry and entry.message or tostring(failed.error)))
  print("  " .. (entry and entry.suggestion or ""))
end

local after = lipsync.assert(client.generations:count())
print(("\n%d listed, %d deleted, %d refused; %d generations before, %d now.")
  :format(counts.listed, counts.deleted, counts.refused, before, after))
client:close()
