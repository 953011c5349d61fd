-- SPDX-License-Identifier: MIT

local errors = require "lipsync.error"
require "lipsync"
local report = require "lipsync.cli.report"

describe("what the command reports", function()
  it("is a sentence", function()
    assert.equal("lipsync: no.", report.text "no.")
    assert.equal("lipsync: get: lost.", report.text(errors.new("connection",
      "lost", { action = "get" })))
  end)

  it("is an object with --json, which has what JSON can hold", function()
    local err = errors.new("connection", "lost", { action = "get",
                                                   tag = print })
    err.cause = errors.new("timeout", "late")
    assert.equal('{"attempts":0,"cause":"late.","details":{},'
      .. '"kind":"connection","message":"lost","retryable":true,"seconds":0,'
      .. '"sentence":"get: lost."}', report.text(err, true))
    assert.equal('{"kind":"usage","message":"no.","sentence":"no."}',
      report.text("no.", true))
    assert.equal('{"kind":"other","message":"no.","sentence":"no."}',
      report.text("no.", true, "other"))
  end)
end)
