-- SPDX-License-Identifier: MIT
--
-- Values as text of Lua, which the two ends of the link exchange.

local values = {}

local function write(value, out, as_object)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = ("%q"):format(value)
  elseif kind == "number" then
    out[#out + 1] = value ~= value and "0/0" or value == math.huge and "1/0"
      or value == -math.huge and "-1/0" or value % 1 == 0
      and ("%.0f"):format(value) or ("%.17g"):format(value)
  elseif kind == "nil" or kind == "boolean" then
    out[#out + 1] = tostring(value)
  else
    local object = as_object(value)
    if object then
      out[#out + 1] = ("object(%d)"):format(object)
      return
    end
    out[#out + 1] = "{"
    for key, member in pairs(value) do
      out[#out + 1] = "["
      write(key, out, as_object)
      out[#out + 1] = "]="
      write(member, out, as_object)
      out[#out + 1] = ","
    end
    out[#out + 1] = "}"
  end
end

--- Writes `n` values.
---@param as_object fun(value: any): integer?  the number of a value that is
---   not written, but stays where it is; nil for a table that is
---@param n integer
---@return string
function values.write(as_object, n, ...)
  local out = { "return " }
  for i = 1, n do
    if i > 1 then out[#out + 1] = "," end
    write((select(i, ...)), out, as_object)
  end
  return table.concat(out)
end

--- Reads them.
---@param text string
---@param object fun(number: integer): any  what stays at the other end, or here
---@return any ...
function values.read(text, object)
  local env = { object = object }
  local chunk
  if rawget(_G, "setfenv") then
    chunk = rawget(_G, "setfenv")(assert(rawget(_G, "loadstring")(text)), env)
  else
    chunk = assert(load(text, "=values", "t", env))
  end
  return chunk()
end

return values
