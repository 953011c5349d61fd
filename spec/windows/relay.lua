-- SPDX-License-Identifier: MIT
--
-- relay.lua PROGRAM…: runs a program, and on Linux what it asks for: scripted
-- servers and the emulator. Its port is the variable LIPSYNC_RELAY. A message
-- is "call", an object's number (0: a module's), a name, and arguments; or
-- "get" and the name of a field. Ends with the program's status.

local socket = require "socket"
local values = require "spec.windows.values"

local objects, numbers, count = {}, {}, 0

local function number_of(value)
  local kind = type(value)
  if kind == "function" then error("a function cannot be sent") end
  if kind ~= "userdata" and not getmetatable(value) then return nil end
  if not numbers[value] then
    count = count + 1
    numbers[value], objects[count] = count, value
  end
  return numbers[value]
end

local operations = {}

function operations.call(object, name, ...)
  if type(object) == "string" then return require(object)[name](...) end
  return object[name](object, ...)
end

function operations.get(object, name)
  local value = object[name]
  return type(value) ~= "function" and value or nil,
    type(value) == "function"
end

local function pack(...) return select("#", ...), { ... } end

local function answer(text)
  return (function(ok, ...)
    if not ok then return values.write(number_of, 2, false, tostring(...)) end
    local n, results = pack(...)
    return values.write(number_of, n + 1, true, table.unpack(results, 1, n))
  end)(pcall(function()
    return (function(operation, ...)
      return operations[operation](...)
    end)(values.read(text, function(number) return objects[number] end))
  end))
end

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local words = {}
for i, word in ipairs(arg) do
  words[i] = "'" .. word:gsub("'", "'\\''") .. "'"
end
-- In the background, because this process serves it.
local status = os.tmpname()
os.execute(("(LIPSYNC_RELAY=%d %s; echo $? >%s.done; mv %s.done %s) &"):format(
  port, table.concat(words, " "), status, status, status))

local function ended()
  local file = assert(io.open(status))
  local text = file:read "*a"
  file:close()
  return tonumber(text)
end

listener:settimeout(0.2)
local peer
repeat peer = listener:accept() until peer or ended()
while peer do
  local digits = peer:receive(10)
  if not digits then break end
  local reply = answer(assert(peer:receive(tonumber(digits))))
  assert(peer:send(("%010d"):format(#reply) .. reply))
end
while not ended() do socket.sleep(0.05) end
local code = ended()
os.remove(status)
os.exit(code)
