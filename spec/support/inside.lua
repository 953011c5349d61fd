-- SPDX-License-Identifier: MIT
--
-- For scripts inside a host (an editor, a game, a player). They write results
-- to the file $INSIDE_REPORT, and the spec that started the host reads it. A
-- script is a function that waits by await(); the host resumes it from
-- something that it calls again and again.

local inside = {}

local core = require "lipsync.core"

--- Writes a line: the values, separated by spaces.
function inside.say(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  local file = assert(io.open(os.getenv "INSIDE_REPORT", "ab"))
  file:write(table.concat(words, " "), "\n")
  file:close()
end

--- Waits, in a script, until `fn` returns a true value.
---@param what string  for the report, if it never does
---@param fn function
---@return any
function inside.await(what, fn)
  local deadline = core.now() + 15
  while core.now() < deadline do
    local value = fn()
    if value then return value end
    coroutine.yield()
  end
  error("not reached: " .. what, 0)
end

--- Waits, in a script, for so many seconds.
---@param seconds number
function inside.pause(seconds)
  local deadline = core.now() + seconds
  while core.now() < deadline do coroutine.yield() end
end

--- Makes a script: a function to be called until it returns true.
---@param fn function
---@return function
function inside.script(fn)
  local thread, over = coroutine.create(fn), false
  return function()
    if over then return true end
    local ok, err = coroutine.resume(thread)
    over = coroutine.status(thread) == "dead"
    if not ok then inside.say("error:", err) end
    if over then inside.say "done" end
    return over
  end
end

return inside
