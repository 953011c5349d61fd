-- SPDX-License-Identifier: MIT
--
-- report_growth SAMPLES NAMES FILE VM RUNS: what growth has measured, as a
-- table on standard output and in FILE.

local samples = require "bench.samples"

local median = samples.medians(arg[1])
local lines = {
  "## How the cost grows", "",
  ("`bench/growth`, %s, medians of %s runs. Bytes are those of the JSON; "
    .. "where the cost is linear, MB/s does not fall."):format(arg[4], arg[5]),
  "", "| listing | rows | MB | lipsync, MB/s | raw libcurl, MB/s | ratio "
    .. "| peak, MB |", "|---|---|---|---|---|---|---|" }
for name in samples.read_file(arg[2]):gmatch "%S+" do
  local mb = median(name .. ".raw.bytes") / 1e6
  local list = median(name .. ".list.seconds")
  local raw = median(name .. ".raw.seconds")
  lines[#lines + 1] = ("| %s | %d | %.2f | %.0f | %.0f | %.2f | %.1f |")
    :format((name:gsub("-", " ")), median(name .. ".list.rows"), mb, mb / list,
      mb / raw, list / raw, median(name .. ".list.peak") / 1024)
end
local text = table.concat(lines, "\n") .. "\n"
io.write(text)
local file = assert(io.open(arg[3], "wb"))
file:write(text)
file:close()
