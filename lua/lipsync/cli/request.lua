-- SPDX-License-Identifier: MIT
-- lipsync request: one request that there is no command for.

local core = require "lipsync.core"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"

-- A body: text, the content of "@FILE", or standard input.
local function body_of(given)
  if not given then return nil end
  if given == "-" then return io.stdin:read "*a" end
  if given:sub(1, 1) ~= "@" then return given end
  local file, problem = io.open(given:sub(2), "rb")
  if not file then status.refuse(problem .. ".") end
  local text = file:read "*a"
  file:close()
  return text
end

local function query_of(rows)
  if #rows == 0 then return nil end
  local query = {}
  for _, row in ipairs(rows) do query[row[1]] = row[2] end
  return query
end

-- "name=value", as text.
local function parameter(given)
  local name, value = given:match "^([^=]+)=(.*)$"
  if not name then return nil, ('"%s" is not like name=value'):format(given) end
  return { name, value }
end

return { {
  name = "request", summary = "Make one request of the API",
  text = "With the key, the limits and the errors of all commands. Prints the "
    .. "body of the response.",
  arguments = { { "method", help = "GET, POST, PUT, PATCH or DELETE" },
                { "path", help = "such as /v2/models" } },
  options = {
    { "--data", value = "TEXT", read = values.text,
      help = 'the body; "@FILE" is that of a file, "-" standard input' },
    { "--query", value = "NAME=VALUE", read = parameter, many = true,
      help = "a parameter of the query string" },
    { "--idempotency-key", value = "KEY", read = values.text,
      help = "repeat it under this key, as a create is" },
  },
  run = function(run, given)
    local response = run.check(run.try(function()
      return run:client():request(given.method, given.path, {
        body = body_of(given.data), query = query_of(given.query),
        idempotency_key = given.idempotency_key })
    end))
    if response.body == nil then return end
    output.write(type(response.body) == "string" and response.body
      or core.encode(response.body), "\n")
  end,
} }
