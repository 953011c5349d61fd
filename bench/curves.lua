-- SPDX-License-Identifier: MIT
--
-- curves SAMPLES FOLDER NAME…: for each curve a file FOLDER/NAME.dat with a
-- line for each size that was measured: rows, median seconds, peak in MB.

local samples = require "bench.samples"

local median = samples.medians(arg[1])
for i = 3, #arg do
  local file = assert(io.open(("%s/%s.dat"):format(arg[2], arg[i]), "wb"))
  for power = 2, 6 do
    local rows = ("%d"):format(10 ^ power)
    local name = rows .. "." .. arg[i]
    local seconds, peak = median(name .. ".seconds"), median(name .. ".peak")
    if seconds then
      file:write(("%s %.6f %.2f\n"):format(rows, seconds, peak / 1024))
    end
  end
  file:close()
end
