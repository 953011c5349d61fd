-- SPDX-License-Identifier: MIT
-- Locales in which other bytes are letters, blanks or control characters, or in
-- which the capital of i is no I.

local core = require "lipsync.core"
local gzip = require "spec.support.gzip"
local http_date = require "lipsync.base.http_date"
local lipsync = require "lipsync"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"
local url = require "lipsync.base.url"

local names = { "tr_TR.UTF-8", "az_AZ.UTF-8", "tr_TR.ISO-8859-9" }

-- Bytes of UTF-8 that are control characters or blanks in 8-bit locales.
local words = "Ş… \194\160à the end"

describe("a locale", function()
  local here = service.fixture(after_each)
  local before = os.setlocale()

  after_each(function() os.setlocale(before) end)

  for _, name in ipairs(names) do
    local function there(title, fn)
      it(name .. " " .. title, function()
        if not os.setlocale(name) then
          return pending(name .. " is not here")
        end
        fn()
      end)
    end

    there("does not change which headers are read", function()
      local body = gzip('{"count":7}')
      here.start { { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
        .. "CONTENT-TYPE: APPLICATION/JSON\r\nCONTENT-ENCODING: GZIP\r\n"
        .. "X-REQUEST-ID: r7\r\nCONTENT-LENGTH: " .. #body .. "\r\n\r\n"
        .. body } } }
      local ids = {}
      here.client.listener = function(event)
        if event.type == "response" then ids[#ids + 1] = event.requestId end
      end
      assert.equal(7, here.client.generations:count())
      assert.same({ "r7" }, ids)
    end)

    there("does not let the key's header pass in capitals", function()
      for _, header in ipairs { "X-API-KEY", "TRANSFER-ENCODING",
                                "KEEP-ALIVE" } do
        assert.has_error(function()
          lipsync.new { api_key = "k", headers = { [header] = "v" } }
        end)
      end
    end)

    there("does not change an error's sentence", function()
      here.start { { { read = true }, { send = scripted.response(400,
        '{"statusCode":400,"message":"' .. words .. '"}') } } }
      local _, err = here.client.generations:count()
      assert.truthy(err.message:find(words, 1, true), err.message)
    end)

    there("does not change an id", function()
      local id = "ŞI-\194\160à"
      assert.equal("%C5%9EI-%C2%A0%C3%A0", url.segment(id))
      assert.equal(id, url.readable(id))
    end)

    there("does not change dates and addresses", function()
      assert.equal(784111777, http_date.parse "SUN, 06 NOV 1994 08:49:37 GMT")
      assert.equal(0, http_date.parse "THU, 01 JAN 1970 00:00:00 GMT")
      local own = assert(lipsync.new { api_key = "k",
        base_url = "HTTP://LOCALHOST:1" })
      assert.truthy(tostring(own):find("localhost", 1, true)
        or tostring(own):find("LOCALHOST", 1, true))
      own:close()
    end)
  end

  it("is not asked by what is read as JSON", function()
    os.setlocale(names[1])
    local generation = lipsync.generation '{"id":"I","status":"FAILED","x":1.5}'
    assert.equal(1.5, generation.x)
    assert.is_true(core.now() > 0)
  end)
end)
