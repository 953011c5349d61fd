-- SPDX-License-Identifier: MIT
--
-- list BASE_URL [CA_FILE]: lists all generations there, reads 'id' and
-- 'status' of each, and prints the seconds that took, the connection included,
-- those to the first generation, how many there were, and the process's peak
-- memory in KiB.

local lipsync = require "lipsync"
local now = require "lipsync.core".now
local peak = require "bench.peak"

local client = lipsync.new { base_url = arg[1], ca_file = arg[2],
                             api_key = "bench" }
local start = now()
local first
local rows, bytes = 0, 0
for generation in client.generations:list() do
  first = first or now() - start
  rows = rows + 1
  bytes = bytes + #generation.id + #generation.status
end
local seconds = now() - start
assert(bytes > rows)
io.write(("seconds %.6f\nfirst %.6f\nrows %d\npeak %d\n"):format(seconds,
  first, rows, peak()))
client:close()
