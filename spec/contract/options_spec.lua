-- SPDX-License-Identifier: MIT
-- The options of calls that read them themselves: what is no table, and a
-- misspelt name, are raised with the caller's line before anything is sent. The
-- same of all others: operations_spec.lua.

local lipsync = require "lipsync"

local unpack = table.unpack or unpack

local request = { model = "m", input = { { type = "video",
                                           url = "https://a.example/v" } } }

-- Resource ("" is the client), method, and what comes before the options.
local methods = {
  { "", "request", "GET", "/v2/x" },
  { "assets", "create", { name = "n", type = "VIDEO",
                          url = "https://a.example/v" } },
  { "assets", "delete_many", { "a" } }, { "assets", "download", "a", "p" },
  { "assets", "get_many", { "a" } }, { "assets", "upload", "p" },
  { "batches", "create", { request } }, { "batches", "results", "b" },
  { "batches", "wait", "b" }, { "dialogue_edits", "wait", "d" },
  { "errors", "list" }, { "generations", "costs", "g" },
  { "generations", "create", request },
  { "generations", "create_many", { request } },
  { "generations", "delete", "g" }, { "generations", "delete_many", { "g" } },
  { "generations", "delete_when_done", "g" },
  { "generations", "download", "g", "p" },
  { "generations", "download_many", { "g" }, "." },
  { "generations", "wait", "g" }, { "generations", "wait_many", { "g" } },
  { "speech", "wait", "s" }, { "transcriptions", "wait", "t" },
  { "voices", "clone", { name = "n", provider = "elevenlabs",
                         url = "https://a.example/v" } },
}

describe("the options of", function()
  local client

  setup(function()
    client = lipsync.new { api_key = "k", base_url = "http://127.0.0.1:1",
                           max_attempts = 1 }
  end)
  teardown(function() client:close() end)

  for _, row in ipairs(methods) do
    it(row[1] .. ":" .. row[2] .. " are checked", function()
      local function message(options)
        local resource = row[1] == "" and client or client[row[1]]
        local arguments = { unpack(row, 3) }
        arguments[#arguments + 1] = options
        local ok, text = pcall(function()
          local value = resource[row[2]](resource, unpack(arguments))
          return value
        end)
        assert.is_false(ok)
        return text
      end
      assert.match("options_spec%.lua:%d+: options must be a table, got "
        .. "number 5$", message(5))
      assert.match('options_spec%.lua:%d+: unknown option "timout", did you '
        .. 'mean "timeout"%? Known: ', message { timout = 1 })
    end)
  end
end)
