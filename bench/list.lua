-- SPDX-License-Identifier: MIT
--
-- list BASE_URL: lists all generations there, reads 'id' and 'status' of each,
-- and prints how many there were, the seconds that took, the connection
-- included, and the process's peak memory in KiB.

local lipsync = require "lipsync"
local now = require "lipsync.core".now

-- The high-water mark of the resident set, or nil where there is no /proc.
local function peak()
  local file = io.open "/proc/self/status"
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text:match "VmHWM:%s*(%d+)"
end

local client = lipsync.new { base_url = arg[1], api_key = "bench" }
local start = now()
local rows, bytes = 0, 0
for generation in client.generations:list() do
  rows = rows + 1
  bytes = bytes + #generation.id + #generation.status
end
local seconds = now() - start
assert(bytes > rows)
io.write(("%d %.6f %s\n"):format(rows, seconds, peak() or 0))
client:close()
