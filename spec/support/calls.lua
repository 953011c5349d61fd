-- SPDX-License-Identifier: MIT
-- Calls over a session that follows a script; for tests of the state machine
-- and its decisions.

require "lipsync"
local retry_budget = require "lipsync.call.retry_budget"
local call = require "lipsync.call"
local attempt = require "lipsync.call.attempt"
local limiter = require "lipsync.call.limiter"
local scheduler = require "lipsync.sched.scheduler"
local waiters = require "lipsync.sched.waiters"

local calls = {}

-- A transfer that has `body` and `status` once `arrived` is set; as long as
-- `unread` is, only the status.
local function new_transfer(plan)
  local transfer = { plan = plan, closed = 0 }
  function transfer.ready() return plan.arrived and not plan.unread end
  function transfer.read()
    if not plan.arrived or plan.unread then return false end
    if plan.failure then
      local copy = {}
      for name, value in pairs(plan.failure) do copy[name] = value end
      return nil, copy
    end
    return plan.body or ""
  end
  function transfer.status() return plan.arrived and plan.status or nil end
  function transfer.header(_, name) return (plan.headers or {})[name] end
  function transfer.received() return plan.bytes or 0 end
  function transfer.look()
    return transfer.ready(), transfer.status(), transfer.received()
  end
  -- Bytes of the request's body that were given to libcurl, and all of them.
  function transfer.uploaded() return plan.uploaded or 0, plan.length or 0 end
  function transfer.held() return plan.held or false end
  function transfer.release() plan.held = false end
  function transfer.sent() return plan.sent ~= false end
  function transfer.done() return plan.arrived or false end
  function transfer.close() transfer.closed = transfer.closed + 1 end
  return transfer
end

--- A client whose requests get the responses of `plans`, one after the other.
---@param plans table[]  arrived, unread, status, body, headers, bytes, sent,
---   uploaded, length, held, failure
---@param more table|nil  options of the client
---@return table  with `transfers`, `waits` and the last `request`
function calls.client(plans, more)
  local options = { timeout = 60, stall_timeout = 30, max_attempts = 4 }
  for name, value in pairs(more or {}) do options[name] = value end
  local client = { options = options, has_key = true, transfers = {},
                   waits = {} }
  local session = {}
  function session.start(_, owner, method, path, type, key, headers,
                         idempotency_key, body, content_type, rest)
    local n = #client.transfers + 1
    client.request = { owner = owner, method = method, path = path, type = type,
      key = key, headers = headers, idempotency_key = idempotency_key,
      body = body, content_type = content_type, more = rest or {} }
    local transfer = new_transfer(plans[n])
    client.transfers[n] = transfer
    local given, length = transfer.uploaded()
    return transfer, transfer.ready() or transfer.status() ~= nil,
      transfer.held() or given < length
  end
  function session.step() return 0 end
  function session.drain() end
  function session.poll() return 0 end
  function session.timeout() return nil end
  function session.next_ready() return nil end
  function session.is_open() return true end
  function session.redact(_, text) return text end
  function session.origin() return "https://here.example" end
  local runtime = { session = session, limiter = limiter.new(8),
                    transfers = limiter.new(8),
                    retry_budget = retry_budget.new(), waiters = waiters.new() }
  runtime.scheduler = scheduler.new(client, runtime)
  function client.runtime() return runtime end
  function client.about() return { host = "here.example" } end
  client.options.host = function(_, transfer, seconds)
    client.waits[#client.waits + 1] = seconds
    local plan = client.transfers[#client.transfers].plan
    if transfer and plan.arrives_late then plan.arrived = true end
  end
  return client
end

--- A call of such a client.
---@param client table
---@param given table|nil  the call's options
---@param more table|nil  members of its spec
---@return table
function calls.call(client, given, more)
  local spec = { action = "get x", method = "GET", path = "/v2/x",
    retry = "safe", read = attempt.whole,
    accept = function(_, _, body) return body end }
  for name, value in pairs(more or {}) do spec[name] = value end
  return call.new(client, spec, given or {})
end

return calls
