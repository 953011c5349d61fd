-- SPDX-License-Identifier: MIT
-- Runs a call whose request is long, and reports how far it was sent.

local errors = require "lipsync.error"

local upload = {}

--- Before the last bytes of a body are sent: one whose files have changed is
--- never completed.
---@param this table  the call
---@return boolean|nil
---@return lipsync.Error|nil err
function upload.check_files(this)
  local sent = this.sent
  local part = sent.parts and sent.body:changed()
  if not part then return true end
  return nil, errors.from_failure({ code = "file_changed",
    path = sent.parts[part].file }, this:about())
end

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
