-- SPDX-License-Identifier: MIT
--
-- report SAMPLES FILE ROWS MOST RUNS VM…: the medians of the samples against
-- their goals, as a table on standard output and in FILE, with what the table
-- of growth says (build/bench/growth.md) where that was made.

local figures = require "bench.figures"
local samples = require "bench.samples"

local samples_path, report_path, rows, most, runs = arg[1], arg[2],
  tonumber(arg[3]), tonumber(arg[4]), arg[5]
local vms = {}
for i = 6, #arg do vms[#vms + 1] = arg[i] end

local thousands = figures.thousands
local taken = figures.open(samples_path, vms)
local median = taken.median
local function ratio(a, b) return taken:ratio(a, b) end
local function difference(a, b, scale) return taken:difference(a, b, scale) end
local function seconds(name) return taken:seconds(name) end

local list = {
  { timed = true,
    "list " .. thousands(rows) .. ", reading `id` and `status`, against raw "
      .. "libcurl with its buffer of 16 KB", most = 2,
    of = function(vm) return ratio(vm .. ".list.seconds", "raw.seconds") end,
    beside = function(each)
      return "raw libcurl " .. seconds "raw.seconds" .. each ".list.seconds"
    end },
  { timed = true,
    "the same against raw libcurl at its best, with 512 KB",
    of = function(vm)
      return ratio(vm .. ".list.seconds", "raw_best.seconds")
    end,
    beside = function()
      return "raw libcurl " .. seconds "raw_best.seconds"
    end },
  { timed = true,
    "list " .. thousands(most) .. ", against raw libcurl with its buffer of "
      .. "16 KB", most = 1.9,
    of = function(vm)
      return ratio(vm .. ".most.seconds", "raw_most.seconds")
    end,
    beside = function(each)
      return "raw libcurl " .. seconds "raw_most.seconds"
        .. each ".most.seconds"
    end },
  { timed = true,
    "the first again, with an incremental collector",
    of = function(vm)
      local by_age = median(vm .. ".list.by_age") == 1
      return ratio(vm .. (by_age and ".by_steps" or ".list") .. ".seconds",
        "raw.seconds")
    end },
  { timed = true,
    "the same against the TypeScript SDK, times faster", least = 8,
    of = function(vm) return ratio("sdk.seconds", vm .. ".list.seconds") end,
    beside = function() return "SDK " .. seconds "sdk.seconds" end },
  { timed = true,
    "the same against luasocket and lua-cjson, times faster", least = 12,
    of = function(vm)
      return ratio(vm .. ".socket.seconds", vm .. ".list.seconds")
    end,
    beside = function(each) return "luasocket" .. each ".socket.seconds" end },
  { timed = true,
    "listing and two fields against lua-cjson's decode and two fields, "
      .. "times faster", least = 8,
    of = function(vm)
      return ratio(vm .. ".decode.seconds", vm .. ".list.seconds")
    end,
    beside = function(each) return "lua-cjson" .. each ".decode.seconds" end },
  { timed = true,
    "scanner alone against one memcpy of the bytes", most = 3.2, shared = true,
    of = function() return ratio("scan.seconds", "scan.copy") end,
    beside = function() return "copy " .. seconds "scan.copy" end },
  { timed = true,
    "the same in plain C, without SIMD", shared = true,
    of = function() return ratio("scan_plain.seconds", "scan_plain.copy") end,
    beside = function() return "scan " .. seconds "scan_plain.seconds" end },
  { timed = true,
    "scanner alone against lua-cjson's decode, times faster", least = 20,
    of = function(vm) return ratio(vm .. ".decode.decode", "scan.seconds") end,
    beside = function(each)
      return "scan " .. seconds "scan.seconds" .. each ".decode.decode"
    end },
  { timed = true,
    "first generation behind raw libcurl's first byte, ms", most = 2,
    of = function(vm)
      return difference(vm .. ".list.first", "raw.first", 1e3)
    end,
    beside = function()
      return ("first byte %.2f ms"):format(median "raw.first" * 1e3)
    end },
  { "peak memory of " .. thousands(most) .. " against 100, MB more", most = 1.5,
    of = function(vm)
      return difference(vm .. ".most.peak", vm .. ".few.peak", 1 / 1024)
    end,
    beside = function()
      local function peak(of) return median(of .. ".peak") / 1024 end
      local peers = { ("MB for 100, %s, %s and %s: raw libcurl %.0f")
        :format(thousands(rows / 10), thousands(rows), thousands(most),
          peak "raw") }
      for _, vm in ipairs(vms) do
        peers[#peers + 1] = ("%s %.1f, %.1f, %.1f, %.1f (luasocket, %s: %.0f)")
          :format(vm, peak(vm .. ".few"), peak(vm .. ".some"),
            peak(vm .. ".list"), peak(vm .. ".most"), thousands(rows),
            peak(vm .. ".socket"))
      end
      return table.concat(peers, "; ")
    end },
  { "bytes held by a live Generation, against its JSON", most = 1.35,
    of = function(vm) return median(vm .. ".held.ratio") end },
  { "reading a scalar field, warm, against the cheapest C `__index`",
    most = 4,
    of = function(vm) return median(vm .. ".field.ratio") end,
    beside = function(each)
      return "cheapest" .. each(".field.cheapest_ns", "%.0f ns")
    end },
  { "instructions of a generation of a listing, without the kernel's",
    of = function(vm) return median(vm .. ".row.instructions") end },
  { "instructions of a delete against raw libcurl's, if the response is never "
      .. "there at once", most = 1.25,
    of = function(vm)
      return ratio(vm .. ".delete.instructions", "raw_delete.instructions")
    end,
    beside = function(each)
      local raw = median "raw_delete.instructions"
      return raw and "raw libcurl " .. thousands(raw)
        .. each(".delete.instructions", "%d") or "not counted"
    end },
  { timed = true,
    "`delete_many`, 64 at once, against `curl --parallel`", least = 1,
    of = function(vm) return ratio(vm .. ".many.rate", "curl.rate") end,
    beside = function(each)
      return ("curl %s/s"):format(thousands(median "curl.rate"))
        .. each(".many.rate", "%d/s")
    end },
  { "a delete with 1,000 at once against one with 8, of the processor's time",
    most = 1.25,
    of = function(vm)
      return ratio(vm .. ".at_once_1000.microseconds",
        vm .. ".at_once_8.microseconds")
    end,
    beside = function(each)
      local parts = {}
      for i, n in ipairs { "8", "64", "256", "1000" } do
        parts[i] = n .. ":" .. each(".at_once_" .. n .. ".microseconds",
          "%.1f µs"):gsub("^,", "")
      end
      return table.concat(parts, "; ")
    end },
  { "the same by instructions, without the kernel's", most = 1.25,
    of = function(vm)
      return ratio(vm .. ".at_once_1000.instructions",
        vm .. ".at_once_8.instructions")
    end,
    beside = function(each)
      return median(vms[1] .. ".at_once_8.instructions")
        and "8:" .. each(".at_once_8.instructions", "%d"):gsub("^,", "")
        or "not counted"
    end },
  { timed = true,
    '`require "lipsync"` over `require "cjson"`, ms', most = 3,
    of = function(vm)
      return difference(vm .. ".require.ms", vm .. ".cjson.ms", 1)
    end,
    beside = function(each)
      return "cjson" .. each(".cjson.ms", "%.1f ms")
    end },
}

-- Of a machine that others use, the times say nothing.
local load = median "machine.load" or 0
local is_busy = load > 1.5
local kept = {}
for _, row in ipairs(list) do
  if not (is_busy and row.timed) then kept[#kept + 1] = row end
end

-- "lua5.4 generational, luajit incremental"
local modes = {}
for i, vm in ipairs(vms) do
  modes[i] = vm .. (median(vm .. ".list.by_age") == 1 and " generational"
    or " incremental")
end

taken:report(report_path, "Results of `make bench`",
  ("%s turns, ratios and differences are medians of those of each turn; a "
    .. "static nginx on the same machine; generations of about 1.1 KB; "
    .. "collectors: %s.%s"):format(runs, table.concat(modes, ", "),
    is_busy and (" The machine was busy, with %.0f processes for each core: "
      .. "rows of time are left out."):format(load) or ""), kept,
  samples.read_file "build/bench/growth.md")
