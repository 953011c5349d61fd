-- SPDX-License-Identifier: MIT
-- A create makes one generation, wherever its connection dies: before the
-- answer, at each byte of it, and after it; and all its requests have one key.

local launch = require "spec.support.launch"
local service = require "spec.support.service"

local it = pcall(require, "lipsync.emulator") and it or pending

describe("a create is paid for once", function()
  local here = service.fixture(after_each)

  local request = { model = "lipsync-2", outputFileName = "once",
    input = { { type = "video", url = "https://media.example/v.mp4" },
              { type = "audio", url = "https://media.example/a.wav" } } }

  -- Makes one create under faults. Checks that there is one more job, and that
  -- each request had the key.
  local function once(generations, faults, sends, of)
    local before = assert(generations:count())
    local seen = #here.server:requests()
    for _, fault in ipairs(faults) do
      fault.route = "create"
      here.server:fault(fault)
    end
    local key = "key-" .. seen
    local generation = assert(generations:create(of or request,
      { idempotency_key = key, max_attempts = 8 }))
    assert.equal("once", generation.outputFileName)
    assert.equal(before + 1, assert(generations:count()))
    local count = 0
    for i, each in ipairs(here.server:requests()) do
      if i > seen and each.method == "POST" then
        count = count + 1
        assert.equal(key, each.headers["idempotency-key"])
      end
    end
    assert.equal(sends, count)
    return #generation:json()
  end

  it("if the connection is reset before anything was done", function()
    once(here.emulate { generations = 0 }, { { reset = true } }, 2)
  end)

  it("if the answer is lost", function()
    local generations = here.emulate { generations = 0 }
    once(generations, { { reset = true, perform = true } }, 2)
    once(generations, { { reset = true, perform = true },
                        { reset = true, perform = true } }, 3)
  end)

  it("if the answer is cut at any of its bytes", function()
    local generations = here.emulate { generations = 0 }
    local length = once(generations, {}, 1)
    assert.is_true(length > 100)
    for n = 0, length - 1, 23 do
      once(generations, { { cut = n, perform = true } }, 2)
    end
  end)

  it("if it has files, and any of its connections dies", function()
    local folder = launch.folder()
    finally(function() launch.remove(folder) end)
    local clip, voice = folder .. "/clip.mp4", folder .. "/voice.wav"
    launch.write(clip, ("V"):rep(300000))
    launch.write(voice, "A")
    local generations = here.emulate { generations = 0 }
    once(generations, { { reset = true }, { reset = true, perform = true },
      { cut = 20, perform = true } }, 4, { model = "lipsync-2",
      outputFileName = "once", input = { { type = "video", file = clip },
                                         { type = "audio", file = voice } } })
  end)

  it("if the service does not know, with the id or without", function()
    local generations = here.emulate { generations = 0 }
    local fault = { statusCode = 503, perform = true, retryAfter = 0,
                    errorCode = "IDEMPOTENCY_OUTCOME_UNKNOWN" }
    once(generations, { fault }, 2)
    fault.tellId = true
    once(generations, { fault }, 1)
  end)

  it("if the service fails before or after it did it", function()
    local generations = here.emulate { generations = 0 }
    for _, status in ipairs { 500, 502, 503, 504 } do
      once(generations, { { statusCode = status, retryAfter = 0 },
        { statusCode = status, perform = true, retryAfter = 0 } }, 3)
    end
  end)
end)
