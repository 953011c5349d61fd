-- SPDX-License-Identifier: MIT
-- Tables of figures, for the reports. A figure has its words at 1, a goal
-- (`most` or `least`) or none, and two functions: `of` gives its value for a VM
-- (for all of them, where `shared`), `beside` what its peers needed. That gets
-- a function which writes a sample of every VM: each(suffix, format).

local http = require "lipsync.http"
local samples = require "bench.samples"

local Figures = {}
Figures.__index = Figures

local figures = {}

--- The figures of these VMs.
---@param path string  of the samples
---@param vms string[]
---@return table
function figures.open(path, vms)
  local median, of_two = samples.medians(path)
  return setmetatable({ median = median, of_two = of_two, vms = vms }, Figures)
end

--- The number with a comma for each thousand.
---@param n number
---@return string
function figures.thousands(n)
  local text = ("%d"):format(n)
  while true do
    local changed
    text, changed = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
    if changed == 0 then return text end
  end
end

--- The median of a / b turn by turn; nil where one of them is missing.
function Figures:ratio(a, b)
  return self.of_two(a, b, function(x, y) return x / y end)
end

--- (a - b) * scale, likewise.
function Figures:difference(a, b, scale)
  return self.of_two(a, b, function(x, y) return (x - y) * scale end)
end

--- A median in seconds, in words.
function Figures:seconds(name)
  local value = self.median(name)
  return value and ("%.3f s"):format(value) or "not here"
end

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
local function each(self, suffix, form)
  local parts = {}
  for _, vm in ipairs(self.vms) do
    local value = self.median(vm .. suffix)
    if value then
      parts[#parts + 1] = (", %s " .. (form or "%.3f s")):format(vm,
        form and form:find "%%d" and math.floor(value) or value)
    end
  end
  return table.concat(parts)
end

local function line(self, figure)
  local cells = { figure[1], goal(figure) }
  for i, vm in ipairs(self.vms) do
    cells[#cells + 1] = figure.shared and i > 1 and ""
      or cell(figure, figure.of(vm))
  end
  local beside = figure.beside and figure.beside(function(suffix, form)
    return each(self, suffix, form)
  end) or ""
  cells[#cells + 1] = beside:gsub("^(%a+),", "%1")
  return "| " .. table.concat(cells, " | ") .. " |"
end

-- Cores, model, libcurl: what the figures depend on.
local function machine()
  local text = samples.read_file "/proc/cpuinfo" or ""
  local _, cores = text:gsub("processor%s*:", "")
  local model = text:match "model name%s*:%s*([^\n]+)" or "unknown processor"
  local libcurl = tostring(http.curl_version):match "[%d.]+" or "unknown"
  return ("%d cores, %s, libcurl %s"):format(cores, model, libcurl)
end

--- Prints the table and writes it to a file.
---@param path string
---@param title string
---@param how string  what was measured, after the machine
---@param list table[]  the figures
---@param after string|nil  further text
function Figures:report(path, title, how, list, after)
  local lines = { "# " .. title, "", machine() .. "; " .. how, "",
    "| figure | goal | " .. table.concat(self.vms, " | ") .. " | beside it |",
    "|---|---|" .. ("---|"):rep(#self.vms + 1) }
  for _, figure in ipairs(list) do lines[#lines + 1] = line(self, figure) end
  local text = table.concat(lines, "\n") .. "\n"
  io.write(text)
  local file = assert(io.open(path, "wb"))
  file:write(text, after and "\n" .. after or "")
  file:close()
end

return figures
