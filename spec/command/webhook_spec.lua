-- SPDX-License-Identifier: MIT
-- lipsync webhook verify.

local command = require "spec.support.command"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"

if not pcall(require, "lipsync.hmac") or not command.can_run() then
  describe("lipsync webhook", function()
    pending("needs lipsync.hmac and argparse")
  end)
  return
end

local hmac = require "lipsync.hmac"
local body = '{"id":"a","status":"COMPLETED"}'

-- The header for a body that was signed so many seconds ago.
local function signed(secret, age)
  local at = ("%d"):format(os.time() - age)
  local digest = hmac.sha256(secret, at .. "." .. body)
  if #digest == 32 then
    digest = digest:gsub(".", function(c)
      return ("%02x"):format(c:byte())
    end)
  end
  return "t=" .. at .. ",v1=" .. digest
end

describe("lipsync webhook verify", function()
  local folder

  before_each(function()
    folder = launch.folder()
    launch.write(folder .. "/secret", "whsec_old\nwhsec_new\n")
  end)
  after_each(function() launch.remove(folder) end)

  local function verify(signature, input, ...)
    return command.run({ "webhook", "verify", "--secret-file",
      folder .. "/secret", "--signature", signature, ... },
      { input = input, key = "" })
  end

  it("shows what the service has signed, by any of the secrets", function()
    for _, secret in ipairs { "whsec_old", "whsec_new" } do
      local out, status, err = verify(signed(secret, 0), body)
      assert.equal("", err)
      assert.equal(0, status)
      assert.equal("id\ta\nstatus\tCOMPLETED\n", out)
    end
    local out = verify(signed("whsec_old", 0), body, "--json")
    assert.equal("a", lipsync.generation(out).id)
  end)

  it("refuses what is forged, changed or late", function()
    for signature, input in pairs { [signed("whsec_x", 0)] = body,
        [signed("whsec_old", 1)] = body .. " ",
        [signed("whsec_old", 600)] = body, ["v1=00"] = body } do
      local out, status, err = verify(signature, input)
      assert.equal("", out)
      assert.equal(2, status, err)
      assert.matches("^lipsync: verify webhook: ", err)
      assert.is_nil(err:find("whsec", 1, true))
    end
    assert.equal(0, (select(2, verify(signed("whsec_old", 600), body,
      "--tolerance", "1h"))))
  end)

  it("says what is missing", function()
    local _, status, err = command.run { "webhook", "verify" }
    assert.equal(1, status)
    assert.matches("give %-%-secret%-file and %-%-signature", err)
    _, status, err = command.run { "webhook", "verify", "--secret-file", "none",
                                   "--signature", "t=1" }
    assert.equal(1, status)
    assert.matches("^lipsync: none cannot be read: No such file", err)
  end)
end)
