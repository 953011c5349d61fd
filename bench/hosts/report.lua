-- SPDX-License-Identifier: MIT
--
-- Report: the figures of several runs, and the table of their medians. A
-- goal is that of the figure, or of what it has above another one.

local Report = {}
Report.__index = Report

local report = {}

function report.new()
  return setmetatable({ names = {}, rows = {} }, Report)
end

--- Adds a figure to the column that is being filled.
---@param name string
---@param value number
---@param unit string
---@param more table|nil  goal: at most so much; above: the figure that it is
---   compared with; cpu: the same in ms of the processor's time
function Report:row(name, value, unit, more)
  local row = self.rows[name]
  if not row then
    row = { unit = unit, goal = more and more.goal }
    self.names[#self.names + 1], self.rows[name] = name, row
  end
  local all = row[self.column] or { value = {}, over = {}, cpu = {} }
  row[self.column] = all
  table.insert(all.value, value)
  if more and more.above then table.insert(all.over, value - more.above) end
  if more and more.cpu then table.insert(all.cpu, more.cpu) end
end

local function median(all)
  table.sort(all)
  return all[math.ceil(#all / 2)]
end

local function number(value)
  return (("%.2f"):format(value):gsub("%.00$", ""))
end

local function cell(row, column)
  local all = row[column]
  if not all then return "" end
  local value, over, cpu = median(all.value), median(all.over),
    median(all.cpu)
  local text = number(value)
  if row.unit ~= "" then text = text .. " " .. row.unit end
  if over then text = ("%s, %+.2f"):format(text, over) end
  if cpu then text = ("%s (CPU %.2f)"):format(text, cpu) end
  local missed = row.goal and (over or value) > row.goal
  return missed and text .. " **missed**" or text
end

local function goal(row)
  if not row.goal then return "" end
  local any = row.plain or row.TLS
  return "≤ " .. (any.over[1] and "+" or "") .. number(row.goal)
end

--- The table as Markdown.
---@return string
function Report:text()
  local lines = { "| figure | goal | HTTP | TLS |", "|---|---|---|---|" }
  for _, name in ipairs(self.names) do
    local row = self.rows[name]
    lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(name, goal(row),
      cell(row, "plain"), cell(row, "TLS"))
  end
  return table.concat(lines, "\n")
end

return report
