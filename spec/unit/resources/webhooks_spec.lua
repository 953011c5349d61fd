-- SPDX-License-Identifier: MIT
local log = require "lipsync.call.events"
local service = require "spec.support.service"

describe("webhooks:secret", function()
  local here = service.fixture(after_each)
  local canary = "whsec_canary_1b2c3d4e"

  -- All text of a value, and of what it holds.
  local function texts_of(value, into)
    into[#into + 1] = tostring(value)
    if type(value) == "table" and not into[value] then
      into[value] = true
      for name, inner in pairs(value) do
        texts_of(name, into)
        texts_of(inner, into)
      end
    end
    return into
  end

  local function assert_hidden(...)
    for _, text in ipairs(texts_of({ ... }, {})) do
      assert.is_nil(text:find("canary", 1, true), text)
    end
  end

  -- Asks, and gives also all events.
  local function ask(answer)
    local events = {}
    here.start({ answer }, { max_attempts = 1, on_event = function(event)
      local copy = {}
      for name, value in pairs(event) do copy[name] = value end
      events[#events + 1] = copy
      events[#events + 1] = log.line(event, "/v2/x?masked=false", 0)
    end })
    local secret, err = here.client.webhooks:secret { masked = false }
    assert_hidden(events, tostring(here.client))
    here.stop()
    return secret, err
  end

  it("is its value, and nowhere else", function()
    assert.equal(canary, ask(service.answer(200,
      ('{"secret":"%s"}'):format(canary))))
  end)

  it("is in no error about another answer", function()
    for _, case in ipairs {
      { 200, '{"Secret":"%s"}' }, { 200, '{"secret":"%s"' },
      { 200, '{"secret":["%s"]}' }, { 200, '"%s"' },
      { 200, "<p>%s</p>", "text/html" }, { 200, "%s", "text/plain" },
      { 500, '{"message":"Not %s.","statusCode":500,"key":"%s"}' },
      { 403, "%s", "text/html" },
    } do
      local body = case[2]:gsub("%%s", canary)
      local secret, err = ask(service.answer(case[1], body,
        { ["Content-Type"] = case[3] or "application/json" }))
      assert.is_nil(secret, body)
      assert.is_truthy(err)
      assert_hidden(err, err.details, err.cause)
    end
  end)

  -- JSON may hold a secret of any form.
  it("is in no error either if its form is another", function()
    for _, body in ipairs { '{"Secret":"canary"}', '{"secret":"canary"',
                            '["canary"]' } do
      local _, err = ask(service.answer(200, body,
        { ["Content-Type"] = "application/json" }))
      assert.equal("protocol", err.kind)
      assert_hidden(err)
    end
  end)

  it("is the one that the emulator signs with", function()
    if not pcall(require, "lipsync.emulator") then
      pending "lipsync.emulator is left out"
    end
    here.emulate { generations = 0, webhook_secret = 'whsec_"quoted"_abcd' }
    local webhooks = here.client.webhooks
    assert.equal('whsec_"quoted"_abcd', webhooks:secret { masked = false })
    assert.equal("whsec_****abcd", webhooks:secret())
    here.server:set { webhook_secret = "short" }
    assert.equal("whsec_****", webhooks:secret { masked = true })
  end)
end)
