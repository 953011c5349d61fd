-- SPDX-License-Identifier: MIT
--
-- report SAMPLES FILE ROWS MOST RUNS VM…: the medians of the samples against
-- their goals, as a table on standard output and in FILE, with what the table
-- of growth says (build/bench/growth.md) where that was made.

local samples = require "bench.samples"
local http = require "lipsync.http"

local samples_path, report_path, rows, most, runs = arg[1], arg[2],
  tonumber(arg[3]), tonumber(arg[4]), arg[5]
local vms = {}
for i = 6, #arg do vms[#vms + 1] = arg[i] end

local read_file, median = samples.read_file, samples.medians(samples_path)

-- a / b, or nil where one of them is missing.
local function ratio(a, b)
  a, b = median(a), median(b)
  return a and b and a / b
end

local function difference(a, b, scale)
  a, b = median(a), median(b)
  return a and b and (a - b) * scale
end

local function seconds(name)
  local value = median(name)
  return value and ("%.3f s"):format(value) or "not here"
end

local function thousands(n)
  local text = ("%d"):format(n)
  while true do
    local changed
    text, changed = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
    if changed == 0 then return text end
  end
end

-- What is measured: `of` gives it for a VM (or for all, where `shared`),
-- `beside` what its peers needed. A goal is at most or at least a number.
local figures = {
  { "list " .. thousands(rows) .. ", reading `id` and `status`, against raw "
      .. "libcurl", most = 2.5,
    of = function(vm) return ratio(vm .. ".list.seconds", "raw.seconds") end,
    beside = function(each)
      return "raw libcurl " .. seconds "raw.seconds" .. each ".list.seconds"
    end },
  { "the same against the TypeScript SDK, times faster", least = 8,
    of = function(vm) return ratio("sdk.seconds", vm .. ".list.seconds") end,
    beside = function() return "SDK " .. seconds "sdk.seconds" end },
  { "the same against luasocket and lua-cjson, times faster", least = 12,
    of = function(vm)
      return ratio(vm .. ".socket.seconds", vm .. ".list.seconds")
    end,
    beside = function(each) return "luasocket" .. each ".socket.seconds" end },
  { "listing and two fields against lua-cjson's decode and two fields, "
      .. "times faster", least = 8,
    of = function(vm)
      return ratio(vm .. ".decode.seconds", vm .. ".list.seconds")
    end,
    beside = function(each) return "lua-cjson" .. each ".decode.seconds" end },
  { "scanner alone against one memcpy of the bytes", most = 6, shared = true,
    of = function() return ratio("scan.seconds", "scan.copy") end,
    beside = function() return "copy " .. seconds "scan.copy" end },
  { "the same in plain C, without SIMD", shared = true,
    of = function() return ratio("scan_plain.seconds", "scan_plain.copy") end,
    beside = function() return "scan " .. seconds "scan_plain.seconds" end },
  { "scanner alone against lua-cjson's decode, times faster", least = 20,
    of = function(vm) return ratio(vm .. ".decode.decode", "scan.seconds") end,
    beside = function(each)
      return "scan " .. seconds "scan.seconds" .. each ".decode.decode"
    end },
  { "first generation behind raw libcurl's first byte, ms", most = 2,
    of = function(vm)
      return difference(vm .. ".list.first", "raw.first", 1e3)
    end,
    beside = function()
      return ("first byte %.2f ms"):format(median "raw.first" * 1e3)
    end },
  { "peak memory of " .. thousands(most) .. " against 100, MB more", most = 1,
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
  { "instructions of a delete against raw libcurl's", most = 1.25,
    of = function(vm)
      return ratio(vm .. ".delete.instructions", "raw_delete.instructions")
    end,
    beside = function(each)
      local raw = median "raw_delete.instructions"
      return raw and "raw libcurl " .. thousands(raw)
        .. each(".delete.instructions", "%d") or "not counted"
    end },
  { "`delete_many`, 64 at once, against `curl --parallel`", least = 1,
    of = function(vm) return ratio(vm .. ".many.rate", "curl.rate") end,
    beside = function(each)
      return ("curl %s/s"):format(thousands(median "curl.rate"))
        .. each(".many.rate", "%d/s")
    end },
  { '`require "lipsync"` over `require "cjson"`, ms', most = 3,
    of = function(vm)
      return difference(vm .. ".require.ms", vm .. ".cjson.ms", 1)
    end,
    beside = function(each)
      return "cjson" .. each(".cjson.ms", "%.1f ms")
    end },
}

local function goal(figure)
  if figure.most then return "≤ " .. figure.most end
  return figure.least and "≥ " .. figure.least or ""
end

local function is_missed(figure, value)
  return figure.most and value > figure.most
    or figure.least and value < figure.least
end

local function cell(figure, value)
  if not value then return "–" end
  local text = ("%.2f"):format(value)
  return is_missed(figure, value) and text .. " **missed**" or text
end

-- ", lua5.4 0.123 s, luajit 0.098 s"
local function each(suffix, form)
  local parts = {}
  for _, vm in ipairs(vms) do
    local value = median(vm .. suffix)
    if value then
      parts[#parts + 1] = (", %s " .. (form or "%.3f s")):format(vm,
        form and form:find "%%d" and math.floor(value) or value)
    end
  end
  return table.concat(parts)
end

local function line(figure)
  local cells = { figure[1], goal(figure) }
  for i, vm in ipairs(vms) do
    cells[#cells + 1] = figure.shared and i > 1 and ""
      or cell(figure, figure.of(vm))
  end
  local beside = figure.beside and figure.beside(each) or ""
  cells[#cells + 1] = beside:gsub("^(%a+),", "%1")
  return "| " .. table.concat(cells, " | ") .. " |"
end

-- Cores, model, libcurl: what the figures depend on.
local function machine()
  local text = read_file "/proc/cpuinfo" or ""
  local _, cores = text:gsub("processor%s*:", "")
  local model = text:match "model name%s*:%s*([^\n]+)" or "unknown processor"
  local libcurl = tostring(http.curl_version):match "[%d.]+" or "unknown"
  return ("%d cores, %s, libcurl %s"):format(cores, model, libcurl)
end

local lines = { "# Results of `make bench`", "",
  ("%s; medians of %s interleaved runs; a static nginx on the same machine; "
    .. "generations of about 1.1 KB."):format(machine(), runs), "",
  "| figure | goal | " .. table.concat(vms, " | ") .. " | beside it |",
  "|---|---|" .. ("---|"):rep(#vms + 1) }
for _, figure in ipairs(figures) do lines[#lines + 1] = line(figure) end
local text = table.concat(lines, "\n") .. "\n"
io.write(text)

local growth = read_file "build/bench/growth.md"
local file = assert(io.open(report_path, "wb"))
file:write(text, growth and "\n" .. growth or "")
file:close()
