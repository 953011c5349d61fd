-- SPDX-License-Identifier: MIT
--
-- list BASE_URL [CA_FILE [MODE]]: lists all generations there, reads 'id' and
-- 'status' of each, and prints the seconds that took, the connection included,
-- those to the first generation, how many there were, the process's peak memory
-- in KiB, and whether the collector is generational. MODE is the collector's in
-- place of the program's own; an empty CA_FILE is none.

local lipsync = require "lipsync"
local now = require "lipsync.core".now
local peak = require "bench.peak"

if arg[3] then collectgarbage(arg[3]) end
local client = lipsync.new { base_url = arg[1], api_key = "bench",
                             ca_file = arg[2] ~= "" and arg[2] or nil }
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
local has_modes, mode = pcall(collectgarbage, "generational")
local by_age = has_modes and mode == "generational"
io.write(("seconds %.6f\nfirst %.6f\nrows %d\npeak %d\nby_age %d\n"):format(
  seconds, first, rows, peak(), by_age and 1 or 0))
client:close()
