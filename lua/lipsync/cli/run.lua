-- SPDX-License-Identifier: MIT
-- One run of the command: what was given, the client, the screen, and what
-- Ctrl-C does.

local blocking = require "lipsync.host.blocking"
local core = require "lipsync.core"
local loader = require "lipsync.loader"
local profile = require "lipsync.cli.profile"
local report = require "lipsync.cli.report"
local screen = require "lipsync.cli.screen"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"

require "lipsync"  -- which makes the types of errors and generations

local Run = {}
Run.__index = Run

local run = {}

local service = "https://api.sync.so"

-- Seconds until a wait looks for Ctrl-C again.
local tick = 0.1

---@param given table  the command line as it was read
---@return table
function run.new(given)
  return setmetatable({ given = given, screen = screen.new(given.quiet),
                        is_finishing = false }, Run)
end

--- Ends the command if Ctrl-C was pressed, unless it ends by itself.
function Run:check_interrupt()
  if self.is_finishing or not terminal.interrupted() then return end
  status.stop(status.interrupted)
end

-- Waits as a plain script does, and looks for Ctrl-C.
local function waiter(self)
  return function(session, target, seconds)
    self:check_interrupt()
    blocking.wait(session, target, math.min(seconds, tick),
      self.made and self.made:runtime())
    self:check_interrupt()
  end
end

--- Calls a function that loads a library, and says why one does not load
--- without the line of this program.
---@param fn function
---@return any  what it returns
function Run.load(fn)
  local ok, result = pcall(fn)
  if ok then return result end
  status.refuse((tostring(result):gsub("^[^\n]-%.lua:%d+: ", "")))
end

-- The library with libcurl is loaded by its first use, see ahead.lua.
local function load_library()
  return loader.client(), require("lipsync.http").curl_version
end

--- The client, made when it is first asked for.
---@param needs_no_key boolean|nil
---@return lipsync.Client
function Run:client(needs_no_key)
  if self.made then return self.made end
  local own, origins = profile.options(self.given, service)
  if not needs_no_key and not profile.has_key(own) then
    status.refuse("no API key: set SYNC_API_KEY, or give --key-file FILE or "
      .. "--profile NAME.")
  end
  own.host = waiter(self)
  own.timeout = self.given.timeout
  own.on_event = self.on_event
  local made = self.try(self.load(load_library).new, own, origins)
  self.made = made
  return made
end

--- Calls a function of the library with values of the command line. What it
--- raises about them is said without the line of this program.
---@param fn function
---@param ... any
---@return any ...
function Run.try(fn, ...)
  local function passed(ok, ...)
    if ok then return ... end
    local problem = ...
    if type(problem) ~= "string" then core.raise(problem) end
    local own = problem:match "^[^\n]-lipsync/cli/[^\n:]*:%d+: (.*)$"
    if own then status.refuse(own) end
    core.raise(problem)
  end
  return passed(pcall(fn, ...))
end

--- Returns what a call of the library returned, or ends with its error.
---@param value any
---@param err lipsync.Error|nil
---@param ... any
---@return any ...
function Run.check(value, err, ...)
  if value == nil and err ~= nil then core.raise(err) end
  return value, err, ...
end

--- Calls a function that Ctrl-C may end; then says what that leaves.
---@param fn function
---@param after string|fun(): string|nil
---@return any ...
function Run:protect(fn, after)
  local function passed(ok, ...)
    if ok then return ... end
    local problem = ...
    if status.is_stop(problem) and problem.status == status.interrupted then
      local text = type(after) == "function" and after() or after
      if type(text) == "string" then self:complain(text, "interrupted") end
    end
    core.raise(problem)
  end
  return passed(pcall(fn))
end

--- Writes a line to standard error.
---@param text string
function Run:say(text)
  self.screen:clear()
  io.stderr:write(text, "\n")
end

--- Says what failed and goes on: a sentence, or the error object with --json.
---@param err lipsync.Error|string
---@param kind string|nil  of a sentence
function Run:complain(err, kind)
  self.screen:clear()
  io.stderr:write(report.text(err, self.given.json, kind), "\n")
end

--- Closes what is open.
function Run:close()
  self.screen:clear()
  if self.made then self.made:close() end
end

return run
