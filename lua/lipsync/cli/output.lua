-- SPDX-License-Identifier: MIT
-- Standard output: objects as a table on a terminal, as lines with tabs in a
-- pipe, as lines of JSON, or as CSV. Each is written when it comes.

local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local screen = require "lipsync.cli.screen"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"
local width = require "lipsync.cli.width"

local output = {}

local closed_pipe = 32  -- EPIPE, which is 32 everywhere

-- Ends the command after a failed write.
local function check(done, problem, number)
  if done then return end
  if number == closed_pipe then
    terminal.die_of_pipe()
    status.stop(status.done)
  end
  status.refuse(("standard output cannot be written: %s."):format(
    tostring(problem)))
end

-- Bytes that are written at once where nobody looks on.
local block = 65536

--- Prepares standard output.
---@param out table  the screen
function output.open(out)
  if not out.is_terminal then io.stdout:setvbuf("full", block) end
end

--- Writes to standard output.
---@param ... string
function output.write(...)
  check(io.stdout:write(...))
end

--- Sees to it that all that was written is there.
function output.flush()
  check(io.stdout:flush())
end

--- A value as text: strings as they are, all else as JSON, nil as "".
---@param value any
---@return string
function output.text(value)
  if value == nil or value == core.null then return "" end
  if type(value) == "string" then return value end
  return core.encode(value) or core.encode(value:decode())
end

-- A member of an object of the service, or of a plain table.
local function member(object, name)
  if type(object) == "table" then return object[name] end
  return object:get(name)
end

-- ---- Columns ----

---@class lipsync.cli.Column
---@field [1] string  the member
---@field title string|nil  default the member, in capitals
---@field width integer|nil  of the widest value; default that of the rest
---@field least integer|nil  how narrow it may become, default 8
---@field show nil|fun(value: any): string  in a table

local capitals = {}
for byte = ("a"):byte(), ("z"):byte() do
  capitals[string.char(byte)] = string.char(byte - 32)
end

local function title_of(column)
  return column.title or (column[1]:gsub("[a-z]", capitals))
end

-- "2026-08-25T10:00:00.000Z" as "2026-08-25 10:00".
local function minutes(value)
  local day, hour = output.text(value):match "^(%d+-%d+-%d+)T(%d%d:%d%d)"
  return day and day .. " " .. hour or output.text(value)
end

--- The columns of generations, the most important first.
output.generations = {
  { "id", width = 36 }, { "status", width = 10, least = 10 },
  { "createdAt", title = "CREATED (UTC)", width = 16, show = minutes },
  { "model", width = 18 }, { "errorCode", title = "ERROR", width = 34 },
  { "outputFileName", title = "NAME" },
}

--- Columns for the fields of --fields.
---@param names string[]
---@return lipsync.cli.Column[]
local function of_names(names, known)
  local columns = {}
  for i, name in ipairs(names) do
    columns[i] = { name, title = name, width = 20 }
    for _, column in ipairs(known) do
      if column[1] == name then columns[i] = column end
    end
  end
  return columns
end

-- ---- Names that were misspelt ----

-- Members that a generation may have and that no column shows.
local documented = {}
for _, name in ipairs { "input", "error", "options", "outputDuration",
    "outputUrl", "segments", "segmentOutputUrl", "synthesizedAudioUrl",
    "webhookUrl", "projectId", "error_code", "outputMediaUrl" } do
  documented[name] = true
end

-- The names of --fields that no object had so far, and an object that had none
-- of them.
local missing, example = {}, nil

-- A name is strange that is not documented; the service may know it.
local function expect(names, known)
  local usual = {}
  for _, column in ipairs(known) do usual[column[1]] = true end
  local of_generations = known == output.generations
  for _, name in ipairs(names) do
    if not usual[name] and not (of_generations and documented[name])
       and missing[name] == nil then
      missing[name] = true
    end
  end
end

local function has(object, name)
  if type(object) == "table" then return object[name] ~= nil end
  return object:has(name)
end

-- `write`, noting which of the strange names there are.
local function noting(write)
  if next(missing) == nil then return write end
  return function(object)
    for name, is_missing in pairs(missing) do
      if is_missing and has(object, name) then missing[name] = false end
    end
    example = object
    write(object)
  end
end

local function names_in(object)
  local set = {}
  if type(object) == "table" then return misuse.keys(object) end
  for name in object:fields() do set[name] = true end
  return misuse.keys(set)
end

--- What to say of names that nothing had which was written; nil: nothing.
---@return string|nil
function output.complaint()
  local strange = {}
  for name, is_missing in pairs(missing) do
    if is_missing then strange[#strange + 1] = name end
  end
  if not example or #strange == 0 then return nil end
  table.sort(strange)
  local known = names_in(example)
  local near = misuse.nearest(strange[1], known)
  return ('--fields: nothing that was written has a member "%s"%s Known: %s.')
    :format(table.concat(strange, '", or "'),
      near and ('; did you mean "%s"?'):format(near) or ".",
      table.concat(known, ", "))
end

local gap, least = 2, 8

-- Which columns fit, and their widths: the last one that is shown takes the
-- rest. Where not even two fit, the first is cut, because the second says more.
local function layout(columns, room)
  local shown, used = {}, 0
  for i, column in ipairs(columns) do
    local wanted = math.max(column.width or least, width.of(title_of(column)))
    local left, enough = room - used, column.least or least
    if i == 2 and left < enough then
      shown[1].columns = math.max(least, room - gap - enough)
      used, left = shown[1].columns + gap, enough
    end
    if i > 2 and left < enough then break end
    shown[i] = { column = column, columns = math.min(wanted, left) }
    used = used + shown[i].columns + gap
  end
  local last = shown[#shown]
  if last then last.columns = last.columns + math.max(0, room + gap - used) end
  return shown
end

-- ---- Writers ----

local function table_writer(columns, out)
  local shown = layout(columns, out:columns())
  local begun = false
  local function line(text_of, paint)
    local cells = {}
    for i, at in ipairs(shown) do
      local text = width.plain(text_of(at.column))
      local cell = i == #shown and width.cut(text, at.columns)
        or width.fit(text, at.columns)
      cells[i] = paint(cell, text)
    end
    output.write((table.concat(cells, (" "):rep(gap)):gsub(" +$", "")), "\n")
  end
  local function head()
    if begun then return end
    begun = true
    line(title_of, function(cell) return out:paint(cell, "bold") end)
  end
  return function(object)
    head()
    line(function(column)
      local value = member(object, column[1])
      return column.show and column.show(value) or output.text(value)
    end, function(cell, text) return out:paint(cell, screen.color_of(text)) end)
  end
end

local function tab_writer(columns)
  return function(object)
    local cells = {}
    for i, column in ipairs(columns) do
      cells[i] = width.plain(output.text(member(object, column[1])))
    end
    output.write(table.concat(cells, "\t"), "\n")
  end
end

-- One value of CSV (RFC 4180).
local function quoted(text)
  if not text:find '[",\r\n]' then return text end
  return '"' .. text:gsub('"', '""') .. '"'
end

local function csv_writer(columns)
  local function line(text_of)
    local cells = {}
    for i, column in ipairs(columns) do cells[i] = quoted(text_of(column)) end
    output.write(table.concat(cells, ","), "\r\n")
  end
  line(function(column) return column[1] end)
  return function(object)
    line(function(column) return output.text(member(object, column[1])) end)
  end
end

--- An object as JSON on one line.
---@param object any
---@return string
function output.json(object)
  if type(object) ~= "userdata" then return (core.encode(object)) end
  local text = object:json()
  local is_long = text:find("\n", 1, true) or text:find("\r", 1, true)
  return is_long and object:json { compact = true } or text
end

local function json_writer(names)
  if not names then
    return function(object) output.write(output.json(object), "\n") end
  end
  local labels = {}
  for i, name in ipairs(names) do labels[i] = core.encode(name) .. ":" end
  return function(object)
    local parts = {}
    for i, name in ipairs(names) do
      local value = member(object, name)
      if value == nil then value = core.null end
      parts[i] = labels[i] .. core.encode(value)
    end
    output.write("{", table.concat(parts, ","), "}\n")
  end
end

--- A function that writes one object.
---@param given table  `json`, `csv`, `fields` of the command line
---@param columns lipsync.cli.Column[]
---@param out table  the screen
---@return fun(object: any)
function output.writer(given, columns, out)
  if given.fields then expect(given.fields, columns) end
  if given.json then return noting(json_writer(given.fields)) end
  if given.fields then columns = of_names(given.fields, columns) end
  if given.csv then return noting(csv_writer(columns)) end
  return noting(out.is_terminal and table_writer(columns, out)
    or tab_writer(columns))
end

--- Writes an object as lines of name and value.
---@param object any  of the service
---@param out table  the screen
---@param names string[]|nil  the members of a plain table, in this order
function output.record(object, out, names)
  local function line(name, value)
    local text = width.plain(output.text(value))
    output.write(out:paint(name, "bold"), out.is_terminal and
      (" "):rep(math.max(1, 20 - #name)) or "\t",
      out:paint(text, screen.color_of(text)), "\n")
  end
  if not names then
    for name, value in object:fields() do line(name, value) end
    return
  end
  for _, name in ipairs(names) do
    if object[name] ~= nil then line(name, object[name]) end
  end
end

return output
