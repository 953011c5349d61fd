-- SPDX-License-Identifier: MIT
-- Waiting in a task: it yields to the client:step that resumed it. For games
-- and any other program with a loop or a timer.

local task = { name = "task", real = true, wakes = true, keeps = true,
  advice = "call it in a task: client:spawn(function() … end)" }

--- Whether the running coroutine is a task of this client. A coroutine nested
--- in a task is not, because its yield would reach the task.
---@param client table
---@return boolean
function task.here(client)
  return client:runtime().scheduler:running() ~= nil
end

--- Yields once; raises where the task cannot yield.
---@param client table
function task.probe(client)
  client:runtime().scheduler:probe()
end

--- Waits until it is woken or `seconds` have passed.
---@param _ table  the core's session
---@param target table|nil
---@param seconds number
---@param runtime table
function task.wait(_, target, seconds, runtime)
  runtime.scheduler:wait(target, seconds)
end

return task
