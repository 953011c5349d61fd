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

  it("makes ids of the fourth version, whatever is random", function()
    local random = core.random_text
    finally(function() core.random_text = random end)
    for digit = 0, 15 do
      function core.random_text()
        return ("01234567%s%x%s"):format("89abcdef", digit, "0123456789abcde")
      end
      local made, err = client.projects:create({ name = "n" },
        { max_attempts = 1 })
      assert.is_nil(made)
      local variant = ("89ab"):sub(digit % 4 + 1, digit % 4 + 1)
      assert.equal(("create project 01234567-89ab-4def-%s012-3456789abcde")
        :format(variant), tostring(err):match "^[^:]*")
    end
    function core.random_text() return nil end
    local made, err = client.projects:create { name = "n" }
    assert.is_nil(made)
    assert.equal("id", err.field)
    assert.matches("the system has no random bytes for an id", tostring(err))
    made, err = client.speech:start { script = "s", voiceId = "v" }
    assert.is_nil(made)
    assert.equal("idempotency_key", err.field)
    assert.matches("the system has no random bytes for a key", tostring(err))
  end)

  it("takes a key of 1 to 128 characters", function()
    for key, is_good in pairs { ["a"] = true, [("a"):rep(128)] = true,
        ["aZ09._~-"] = true, [""] = false, [("a"):rep(129)] = false,
        ["a b"] = false, ["ä"] = false, ["a\n"] = false } do
      local _, err = client.speech:start({ script = "s", voiceId = "v" },
        { idempotency_key = key, max_attempts = 1 })
      assert.equal(is_good and "connection" or "invalid", err.kind, key)
      if not is_good then
        assert.matches("idempotency_key must be 1 to 128 of A-Z a-z 0-9 . _ ~ "
          .. "-", tostring(err), 1, true)
      end
    end
  end)

  it("raises for an object that has no id, or is another", function()
    assert.is_function(client.voices.get)  -- which makes the type
    local voice = core.object("Voice", '{"provider":"p"}', client)
    for said, call in pairs {
      ["this voice has no id"] = function()
        return client.voices:get(voice)
      end,
      ["id must be a string or a project, got Voice"] = function()
        return client.projects:get(voice)
      end,
    } do
      local ok, problem = pcall(call)
      assert.is_false(ok)
      assert.is_truthy(problem:find(said, 1, true), problem)
    end
  end)

  it("gives the tag with the error of a callback that raised", function()
    local _, err = client.generations:delete_many({ "a" }, {
      tag = "nightly", dry_run = true, when = function() error "no" end,
    })
    assert.equal("canceled", err.kind)
    assert.equal("nightly", err.tag)
  end)
end)
