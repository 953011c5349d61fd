-- SPDX-License-Identifier: MIT
--
-- quickstart: makes a video of two files, then lists, deletes and fails in
-- every way worth knowing, against the emulator: make demo runs it. It deletes
-- generations, so it refuses to run against anything but this machine.

local lipsync = require "lipsync"

local base_url = os.getenv "SYNC_BASE_URL" or ""
if not base_url:match "^http://127%.0%.0%.1:" then
  io.stderr:write("quickstart deletes generations; run it by: make demo\n")
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

-- ---- The two files: a clip and a voice ----

local name = os.tmpname()
local clip, voice, video = name .. ".mp4", name .. ".wav", name .. "-new.mp4"

-- The clip is the video of another generation.
local finished = lipsync.assert(client.generations:list({
  status = "COMPLETED", limit = 1 }):next())
lipsync.assert(finished:download(clip))

-- A number as WAV has it: `bytes` of them, the lowest first.
local function number(n, bytes)
  local text = ""
  for _ = 1, bytes do
    text, n = text .. string.char(n % 256), math.floor(n / 256)
  end
  return text
end

-- The voice is a second of a tone: 8,000 bytes, mono.
local tone = ("\96\128\160\128"):rep(2000)
local file = assert(io.open(voice, "wb"))
file:write("RIFF", number(36 + #tone, 4), "WAVEfmt ", number(16, 4),
  number(1, 2), number(1, 2), number(8000, 4), number(8000, 4), number(1, 2),
  number(8, 2), "data", number(#tone, 4), tone)
file:close()

-- ---- The whole life of a generation ----

-- At the emulator a job takes six minutes of its clock; here three seconds do.
lipsync.assert(client:request("POST", "/_emulator/set", {
  body = { pending_seconds = 1, processing_seconds = 2 } }))

-- 1. Create. The files are read while they are sent.
print "Create a generation from two files:\n"
local made = lipsync.assert(client.generations:create({
  model = "lipsync-2", outputFileName = "quickstart",
  input = { { type = "video", file = clip },
            { type = "audio", file = voice } },
}, {
  on_progress = function(sent, total)
    io.write(("\r  sent %d of %d bytes"):format(sent, total))
  end,
}))
print("\n  " .. tostring(made))

-- 2. Wait.
print "\nWait until it has ended:\n"
made = lipsync.assert(made:wait {
  on_progress = function(percent)
    io.write(("\r  %3d %%"):format(percent))
    io.flush()
  end,
})
print("\n  " .. tostring(made))

-- 3. Download: the file is whole, or it is not there.
print "\nDownload it:\n"
local saved = lipsync.assert(made:download(video))
local head = assert(io.open(video, "rb")):read(12)
print(("  %d bytes, %s, begins with %q"):format(saved.bytes, saved.type,
  head:sub(5)))

for _, path in ipairs { name, clip, voice, video } do os.remove(path) end

-- ---- Lists and deletions ----

-- 4. List with a filter. Each generation comes out of the loop while the
-- response is still arriving.
print "\nThe newest eight that have ended:\n"
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

-- 5. Count, without transferring anything but the number.
local before = lipsync.assert(client.generations:count())

-- 6. Delete one: the response is the deleted generation.
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

-- 7. The same one again: it is not there any more.
print "\nDelete it again:\n"
refused(client.generations:delete(newest.id))

-- 8. One that still runs cannot be deleted, and the error says what to do.
print "\nDelete one that is still being made:\n"
local listing = client.generations:list {
  status = { "PENDING", "PROCESSING" }, limit = 1,
}
local running, problem = listing:next()
lipsync.assert(running, problem or "nothing is being made any more: the "
  .. "samples run for six minutes, so start the emulator anew")
local conflict = refused(running:delete())
print("\n  statusCode  " .. conflict.statusCode)
print("  errorCode   " .. conflict.errorCode)
print("  suggestion  " .. tostring(conflict.suggestion))

-- 9. A wrong key.
print "\nList with a wrong key:\n"
local stranger = lipsync.new { api_key = "not-a-key" }
refused(stranger.generations:list({ limit = 1 }):next())
stranger:close()

-- 10. Why did one fail? The catalog explains its code.
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
