-- SPDX-License-Identifier: MIT
-- lipsync.webhook.verify, by signatures that the program openssl makes.

local launch = require "spec.support.launch"
local lipsync = require "lipsync"
local proc = require "spec.support.proc"
local program = require "spec.support.program"
local service = require "spec.support.service"

local verify = lipsync.webhook.verify

local secret = "whsec_4eC39HqLyjWDarjtT1zdp7dc"
local other = "whsec_26PHem9AhJZvU623DfE1x4sd"
local now = 1787652000
local body = '{ "id":"a",\r\n"status":"COMPLETED","x":"\195\169" }'

-- The hexadecimal HMAC that OpenSSL's own program makes.
local function hmac(key, text)
  local path = os.tmpname()
  launch.write(path, text)
  local pipe = assert(io.popen(("openssl dgst -sha256 -hmac %s -r <%s")
    :format(launch.quote(key), path)))
  local digest = pipe:read "*a":match "^%x+"
  pipe:close()
  os.remove(path)
  return assert(digest, "openssl made no digest")
end

local function sign(key, time, text)
  return ("t=%s,v1=%s"):format(time, hmac(key, time .. "." .. (text or body)))
end

local function refuses(problem, ...)
  local found, err = verify(...)
  assert.is_nil(found)
  assert.is_true(lipsync.is_error(err))
  assert.equal("signature", err.kind)
  assert.is_false(err.retryable)
  assert.matches("^verify webhook: ", tostring(err))
  assert.matches(problem, tostring(err))
  assert.is_nil(tostring(err):find("whsec", 1, true))
  return err
end

describe("lipsync.webhook.verify", function()
  if not pcall(require, "lipsync.hmac") then
    return pending "lipsync.hmac is left out"
  elseif not launch.find "openssl" then
    return pending "openssl is not here"
  end

  local signed = sign(secret, now)
  local at = { now = now }

  it("gives the generation that was signed, its bytes unchanged", function()
    local generation = assert(verify(body, signed, secret, at))
    assert.equal("a", generation.id)
    assert.is_true(generation:is_terminal())
    assert.equal(body, generation:json())
    assert(verify(body, sign(secret, os.time()), secret))
  end)

  it("gives a batch as one, with its methods", function()
    local text = '{"id":"b","status":"COMPLETED","metrics":{"failed_count":2}}'
    local batch = assert(verify(text, sign(secret, now, text), secret, at))
    assert.equal(2, batch.metrics.failed_count)
    assert.equal("Batch b COMPLETED", tostring(batch))
    assert.is_true(batch:is_terminal())
    assert.equal(text, batch:json())
    local ok, problem = pcall(batch.results, batch)
    assert.is_false(ok)
    assert.matches("this batch was made from text and has no client: call "
      .. "client%.batches:results%(batch%)", problem)
    -- The type stays the same once there is a client.
    local client = service.client "http://127.0.0.1:9"
    assert.equal(batch, client.batches:wait(batch))
    assert.is_true(batch:is_terminal())
    client:close()
  end)

  it("reads the header among others, by either name", function()
    for _, name in ipairs { "Sync-Signature", "X-Signature-Primary" } do
      assert(verify(body, { [name] = signed, host = "x" }, secret, at))
      assert(verify(body, { [name:lower()] = { signed } }, secret, at))
    end
    assert(verify(body, { signed }, secret, at))
    refuses("has no signature", body, { host = "x" }, secret, at)
    refuses("has no signature", body, nil, secret, at)
  end)

  it("takes one good v1 among several, and one good secret", function()
    local good = signed:match "v1=(.*)"
    local bad = hmac(other, now .. "." .. body)
    for _, header in ipairs {
      ("t=%d,v1=%s,v1=%s"):format(now, bad, good),
      ("t=%d,v1=%s,v1=%s"):format(now, good, bad),
    } do
      assert(verify(body, header, secret, at))
    end
    assert(verify(body, signed, { other, secret }, at))
    assert(verify(body, signed, { secret, other }, at))
    refuses("does not fit any of the 2 secrets", body, signed,
      { other, other .. "x" }, at)
  end)

  it("refuses any byte that was changed", function()
    for i = 1, #body do
      local changed = body:sub(1, i - 1) .. string.char(
        (body:byte(i) + 1) % 256) .. body:sub(i + 1)
      refuses("does not fit the secret", changed, signed, secret, at)
    end
    refuses("does not fit", body .. "\n", signed, secret, at)
    refuses("does not fit", body, signed, secret:sub(1, -2), at)
    -- The time is signed, too.
    refuses("does not fit", body, (signed:gsub("t=%d+", "t=" .. now + 1)),
      secret, at)
    refuses("does not fit", body, (signed:gsub("t=", "t=0")), secret, at)
    for i = #signed - 63, #signed do
      local digit = signed:sub(i, i) == "0" and "1" or "0"
      refuses("does not fit", body,
        signed:sub(1, i - 1) .. digit .. signed:sub(i + 1), secret, at)
    end
  end)

  it("refuses a header that came twice", function()
    refuses("more than once", body, { signed, signed }, secret, at)
    refuses("more than once", body, signed .. "," .. signed, secret, at)
    refuses("more than once", body, { ["sync-signature"] = { signed, signed } },
      secret, at)
  end)

  it("bounds the age both ways", function()
    for _, offset in ipairs { -300, 0, 300 } do
      assert(verify(body, signed, secret, { now = now + offset }))
    end
    refuses("was signed 301 s ago, and the tolerance is 300 s", body, signed,
      secret, { now = now + 301 })
    refuses("was signed 301 s in the future", body, signed, secret,
      { now = now - 301 })
    refuses("signed %d+ s ago", body, sign(secret, os.time() - 400), secret)
    assert(verify(body, signed, secret, { now = now + 301, tolerance = 301 }))
    refuses("1 s ago", body, signed, secret, { now = now + 1, tolerance = 0 })
    assert(verify(body, signed, secret, { tolerance = false }))
    assert(verify(body, signed, secret, { tolerance = math.huge }))
  end)

  it("says that it is forged before it says that it is late", function()
    refuses("does not fit", body, signed, other, { now = now + 9999 })
  end)

  it("reads no body that is not signed", function()
    refuses("does not fit", "{", signed, secret, at)
    local found, err = verify("{", sign(secret, now, "{"), secret, at)
    assert.is_nil(found)
    assert.equal("protocol", err.kind)
    assert.matches("^read webhook: ", tostring(err))
    found, err = verify('{"metrics":1}', sign(secret, now, '{"metrics":1}'),
      secret, at)
    assert.is_nil(found)
    assert.matches("without an id", tostring(err))
  end)

  it("raises for wrong arguments, with the caller's line", function()
    for said, call in pairs {
      ["body must be a string, got nil"] = function()
        verify(nil, signed, secret)
      end,
      ["signature must be a string or a table, got number 5"] = function()
        verify(body, 5, secret)
      end,
      ["secret must be a string, got nil"] = function()
        verify(body, signed, nil)
      end,
      ["secret is an empty string"] = function() verify(body, signed, "") end,
      ["secret is an empty table"] = function() verify(body, signed, {}) end,
      ["secret%[2%] must be a string, got number"] = function()
        verify(body, signed, { secret, 5 })
      end,
      ["secret holds white space"] = function()
        verify(body, signed, secret .. "\n")
      end,
      ["tolerance must be a number of seconds, or false"] = function()
        verify(body, signed, secret, { tolerance = -1 })
      end,
      ["tolerance must be a number of seconds, or false, got number %-?nan"]
        = function() verify(body, signed, secret, { tolerance = 0 / 0 }) end,
      ["tolerance must be a number of seconds, or false, got string"]
        = function() verify(body, signed, secret, { tolerance = "5" }) end,
      ["now must be a number"] = function()
        verify(body, signed, secret, { now = "5" })
      end,
      ['unknown option "tolerence", did you mean "tolerance"'] = function()
        verify(body, signed, secret, { tolerence = 5 })
      end,
      ["options must be a table"] = function()
        verify(body, signed, secret, 300)
      end,
      ["call it with a dot"] = function()
        lipsync.webhook:verify(body, signed, secret)
      end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.matches("verify_spec.lua:%d+: " .. said, message)
      assert.is_nil(message:find(secret, 1, true))
    end
  end)

  it("is done without libcurl", function()
    if not (program.can_run() and proc.is_here) then pending "no /proc" end
    local text, well = program.run_text(([[
      local lipsync = require "lipsync"
      assert(lipsync.webhook.verify(%q, %q, %q, { now = %d }))
      for line in io.lines "/proc/self/maps" do
        assert(not line:find("libcurl", 1, true))
      end
      print(package.loaded["lipsync.http"])
    ]]):format(body, signed, secret, now))
    assert.is_true(well, text)
    assert.equal("nil\n", text)
  end)
end)
