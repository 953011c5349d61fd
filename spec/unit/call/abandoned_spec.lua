-- SPDX-License-Identifier: MIT
-- Clients that nobody closes, with few descriptors.

local abandoned = require "lipsync.call.abandoned"
local program = require "spec.support.program"

local function session()
  local made = { open = true }
  function made:is_open() return self.open end
  return made
end

describe("abandoned", function()
  local collections, kept
  local collect = collectgarbage

  before_each(function()
    abandoned.collect()
    kept, collections = {}, 0
    rawset(_G, "collectgarbage", function(...)
      collections = collections + 1
      return collect(...)
    end)
  end)

  after_each(function()
    rawset(_G, "collectgarbage", collect)
    for _, each in ipairs(kept) do abandoned.remove(each) end
    kept = nil
  end)

  local function keep(n)
    for _ = 1, n do
      kept[#kept + 1] = session()
      abandoned.add(kept[#kept])
    end
  end

  it("collects when the sessions have doubled", function()
    keep(31 + 32 + 64)
    -- At 32, and at 64; what other specs left open may come before.
    assert.is_true(collections == 2 or collections == 3, collections)
  end)

  it("never collects because of sessions that are closed", function()
    for _ = 1, 200 do
      local each = session()
      abandoned.add(each)
      abandoned.remove(each)
    end
    assert.equal(0, collections)
  end)
end)

describe("a client for each request", function()
  if not program.can_run() then return pending "no emulator was built" end

  -- Makes so many clients in a program with a heap of some megabytes, and
  -- prints how many calls failed.
  local text = [[
    local lipsync, heap, failed = require "lipsync", {}, 0
    for i = 1, 150000 do heap[i] = { i, tostring(i) } end
    collectgarbage()
    %s
    for _ = 1, %d do
      if lipsync.new().generations:count() ~= 60 then failed = failed + 1 end
    end
    print(failed, #heap)
  ]]

  local function run(clients, limit, before)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(text:format(before or "", clients))
    file:close()
    local printed, well = program.run_command(("sh -c 'ulimit -n %d; %s %s'")
      :format(limit, program.vm, path))
    os.remove(path)
    assert.is_true(well, printed)
    assert.equal("0\t150000\n", printed)
  end

  it("and never closed leaves descriptors for the others", function()
    run(300, 256)
  end)

  it("is collected where no descriptor is left", function()
    -- Fewer clients than are worth a collection by themselves.
    run(25, 40, "collectgarbage 'stop'")
  end)
end)
