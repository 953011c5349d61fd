-- SPDX-License-Identifier: MIT
-- What the service sends in headers, and what a program passes on from
-- elsewhere, may be anything: read as what it is or as nothing, never an error
-- of Lua's, never a number that nobody can wait for, and never for long.

local filter = require "lipsync.filter"
local http_date = require "lipsync.http_date"
local lipsync = require "lipsync"
local message = require "lipsync.message"
local retry_after = require "lipsync.retry_after"
local time = require "lipsync.time"
local url = require "lipsync.url"

local ROUNDS = 2000

local seed = 11
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n
end

local parts = { "1", "9", "0", ".", "-", "+", ":", " ", "T", "Z", "e", ",",
  "2026-08-25", "10:00:00", "Tue, 25 Aug 2026 10:00:00 GMT", "GMT", "Feb",
  "99999999999999999999", "1e308", "nan", "inf", "0x10", "%", "/", "..", "?",
  "#", "@", "http://", "https://", "//", "[::1]", "\0", "\r\n", "\t", "\255",
  "a", "é", ("9"):rep(400), "Sun, 06 Nov 1994 08:49:37 GMT" }

local function garbage()
  local text = {}
  for i = 1, random(6) do text[i] = parts[random(#parts) + 1] end
  return table.concat(text)
end

-- A number that a clock can work with.
local function is_finite(n)
  return type(n) == "number" and n == n and n > -math.huge and n < math.huge
end

describe("garbage", function()
  it("in Retry-After is a wait that is possible, or none", function()
    for _ = 1, ROUNDS do
      local text, date = garbage(), random(2) == 0 and garbage() or nil
      local seconds = retry_after.header(text, date, 1787652000)
      assert.is_true(seconds == nil or is_finite(seconds) and seconds >= 0,
        text)
    end
    for _, value in ipairs { -1, 0 / 0, math.huge, -math.huge, "5", {}, true }
    do
      local seconds = retry_after.body(value)
      assert.is_true(seconds == nil or is_finite(seconds) and seconds >= 0)
    end
  end)

  it("for a date or a time is one, or none", function()
    for _ = 1, ROUNDS do
      local text = garbage()
      local date, moment = http_date.parse(text), time.parse(text)
      assert.is_true(date == nil or is_finite(date), text)
      assert.is_true(moment == nil or is_finite(moment), text)
    end
  end)

  -- A pattern that backtracks takes minutes for these, a good one none.
  it("takes no longer than it is long", function()
    local begun = os.clock()
    for _, of in ipairs { " ", "9", "a", "\t", "0.", "@", "-", "\128" } do
      local row = of:rep(math.floor(100000 / #of))
      for _, text in ipairs { row, "x" .. row .. "x", row .. "x", "x" .. row,
                              "Sun Nov" .. row .. "x", "1." .. row .. "x" } do
        retry_after.header(text, text, 0)
        retry_after.body(text)
        time.parse("2026-08-25T10:00:00" .. text)
        url.segment(text)
        url.origin("http://" .. text, "http://127.0.0.1:1")
        message.inline(text)
        pcall(filter.read, { status = text, ids = text })
      end
    end
    local most = os.getenv "LIPSYNC_SANITIZED" and 200 or 20
    assert.is_true(os.clock() - begun < most)
  end)

  it("for an id is one segment of a path, or refused", function()
    for _ = 1, ROUNDS do
      local text = garbage()
      local segment = url.segment(text)
      if segment then
        assert.is_nil(segment:find "[^%w%-%._~%%]")
        assert.is_truthy(segment ~= "" and segment ~= "."
          and segment ~= "..")
      end
      local readable = url.readable(text)
      assert.is_nil(readable:find "%c")
    end
  end)

  it("for a redirect's target is an origin without secrets", function()
    for _ = 1, ROUNDS do
      local origin = url.origin(garbage(), "http://127.0.0.1:1")
      assert.is_true(origin == nil or not origin:find "[%c@]")
    end
  end)

  it("for a generation is an error that says why", function()
    for _ = 1, ROUNDS do
      local text = "{" .. garbage() .. "}"
      local generation, err = lipsync.generation(text)
      assert.is_nil(generation)
      assert.equal("protocol", err.kind)
    end
  end)
end)
