-- SPDX-License-Identifier: MIT
-- Runs a call whose request is long, and reports how far it was sent.

local upload = {}

-- Calls on_progress; the error object if it raises.
local function report(this, sent, total)
  local ok, problem = pcall(this.options.on_progress, sent, total)
  if ok then return nil end
  this:cancel()
  local err = this:error("canceled", "on_progress raised an error: "
    .. tostring(problem))
  err.cause = problem
  return err
end

--- Runs a call. Where it has the option `on_progress`, that is told how far the
--- request was sent, and at its end that it was sent.
---@param this table  the call
---@param length integer|nil  of the request's body; nil: reports nothing
---@return any value
---@return lipsync.Error|nil err
---@return string|nil note
function upload.run(this, length)
  local last
  if not this.options.on_progress or not length then return this:run() end
  while not this:advance() do
    local sent = this:uploaded()
    local err = sent and sent ~= last and report(this, sent, length)
    if err then return nil, err end
    last = sent
    this:wait()
  end
  local err = this.value and last ~= length and report(this, length, length)
  return this.value, this.err or err or nil, this.note
end

return upload
