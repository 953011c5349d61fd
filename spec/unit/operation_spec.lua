-- SPDX-License-Identifier: MIT

local core = require "lipsync.core"
local lipsync = require "lipsync"

local wrong = "\255"

-- Calls that cannot be sent, each with these options.
local refused = {
  id = function(client, options)
    return client.generations:get("", options)
  end,
  ["second id"] = function(client, options)
    return client.projects:detach("a", "", options)
  end,
  body = function(client, options)
    return client.projects:create({ name = wrong }, options)
  end,
  address = function(client, options)
    return client.generations:create({ model = "m",
      input = { { type = "video", url = "x" } } }, options)
  end,
  key = function(client, options)
    options.idempotency_key = " "
    return client.generations:create({ model = "m",
      input = { { type = "video", url = "https://x" } } }, options)
  end,
  ["one of many"] = function(client, options)
    local made = client.generations:create_many({ { model = "m",
      input = { { type = "video", url = "x" } } } }, options)
    return select(2, made:next())
  end,
  ["ids of many"] = function(client, options)
    return client.assets:get_many({ wrong }, options)
  end,
  ["path of an upload"] = function(client, options)
    return client.assets:upload("a\0", options)
  end,
  ["path of a batch"] = function(client, options)
    return client.batches:create("a\0", options)
  end,
  ["folder of downloads"] = function(client, options)
    return client.generations:download_many({ "x" }, "a\0", options)
  end,
  asset = function(client, options)
    return client.assets:create({ url = "https://x", type = "VIDEO",
      name = wrong }, options)
  end,
  ["request of one's own"] = function(client, options)
    options.body = { name = wrong }
    return client:request("POST", "/v2/x", options)
  end,
}

-- Whether this VM asks __pairs.
local asks_pairs = false
pairs(setmetatable({}, { __pairs = function(self)
  asks_pairs = true
  return next, self, nil
end }))

describe("lipsync.operation", function()
  local client

  setup(function()
    client = lipsync.new { api_key = "k", strict = true,
                           base_url = "http://127.0.0.1:1" }
  end)

  teardown(function() client:close() end)

  for name, call in pairs(refused) do
    it("gives the tag with the error of what cannot be sent: " .. name,
       function()
      local value, err = call(client, { tag = "nightly" })
      assert.is_nil(value)
      assert.is_true(core.is_error(err))
      assert.equal("invalid", err.kind)
      assert.equal("nightly", err.tag)
    end)
  end

  local it_shows = asks_pairs and it or pending

  it_shows("names itself where it is called with a dot", function()
    local n = 0
    for name, resource in pairs(client) do
      for method, call in pairs(type(resource) == "table" and resource or {}) do
        if type(call) == "function" then
          n = n + 1
          local ok, problem = pcall(call, {})
          assert.is_false(ok)
          assert.matches(("call it with a colon: client.%s:%s("):format(name,
            method):gsub("%p", "%%%0"), problem)
        end
      end
    end
    assert.is_true(n > 30, n)
  end)

  it("gives the tag with the error of a callback that raised", function()
    local _, err = client.generations:delete_many({ "a" }, {
      tag = "nightly", dry_run = true, when = function() error "no" end,
    })
    assert.equal("canceled", err.kind)
    assert.equal("nightly", err.tag)
  end)
end)
