-- SPDX-License-Identifier: MIT
local file = require "lipsync.file"
local growth = require "spec.support.growth"
local media = require "spec.support.media"
local proc = require "spec.support.proc"
local process = require "process"
local program = require "spec.support.program"

local folder

local function path(name) return folder .. "/" .. name end

-- Waits for a job's end.
local function ended(job)
  local deadline = os.time() + 20
  while true do
    local done, failure = job:done()
    if done ~= false then return done, failure end
    assert(os.time() < deadline, "the job does not end")
  end
end

-- A program whose syncs wait for it, so many seconds at most; see slow_disk.c.
-- It has the functions asked(), await_asked() and go().
local function run_slowly(seconds, code)
  return program.run_text(([[
    local ok, problem = pcall(function()
      local file, folder = require "lipsync.file", "%s"
      local function asked() return file.info(folder .. "/asked") ~= nil end
      local deadline = os.time() + 60
      local function await_asked()
        while not asked() do assert(os.time() < deadline) end
      end
      local function go()
        await_asked()
        assert(file.open(folder .. "/go", "new")):close()
        -- Not "asked", which the next sync may have made by then.
        while file.info(folder .. "/go") do assert(os.time() < deadline) end
      end
      %s
    end)
    print(ok, problem)]]):format(folder, code), nil,
    ("env LD_PRELOAD=\"$LD_PRELOAD build/slow_disk.so\" SLOW_DISK=%s "
      .. "SLOW_DISK_SECONDS=%d ")
    :format(folder, seconds))
end

describe("a job", function()
  before_each(function() folder = media.shell "mktemp -d" end)
  after_each(function() media.shell("rm -rf " .. folder) end)

  for _, here in ipairs { true, false } do
    describe(here and "done here" or "of the thread", function()
      local function job(plan)
        plan.here = here
        return ended(file.job(plan))
      end

      it("does everything in its plan", function()
        media.write(path "side", "old")
        local part = assert(file.open(path "part", "edit"))
        assert(part:write "abc")
        assert.is_true(job { sync = part, all = true, replace = path "note",
          bytes = "a\0b", remove = path "side", from = path "part",
          to = path "whole" })
        part:close()
        assert.equal("note\nwhole", media.shell("ls " .. folder))
        assert.equal("abc", media.read(path "whole"))
        assert.equal("a\0b", media.read(path "note"))
        assert.is_true(job {})
        assert.is_true(job { remove = path "none" })
      end)

      it("ends with its first failure", function()
        media.write(path "a", "a")
        media.write(path "b", "b")
        local done, failure = job { from = path "a", to = path "b" }
        assert.is_nil(done)
        assert.same({ code = "file_exists", path = path "b",
                      os_error = failure.os_error }, failure)
        done, failure = job { replace = path "no/c", bytes = "",
                              remove = path "a" }
        assert.is_nil(done)
        assert.equal("file_missing", failure.code)
        assert.equal(path "no/c", failure.path)
        assert.equal("a\nb", media.shell("ls " .. folder))
        assert.is_true(job { from = path "a", to = path "b",
                             overwrite = true })
      end)

      it("has descriptors of its own, and closes them", function()
        local before = process.descriptors()
        local part = assert(file.open(path "part", "edit"))
        local jobs = {}
        for i = 1, 20 do
          jobs[i] = file.job { sync = part, here = here }
        end
        part:close()
        for _, each in ipairs(jobs) do
          assert.is_true(ended(each))
          assert.is_true(each:stop())
          each:close()
          each:close()
          assert.has_error(function() each:done() end, "the job is closed")
        end
        assert.equal(before, process.descriptors())
      end)
    end)
  end

  it("leaves no memory behind, however it ends", function()
    if not growth.can_measure then return pending "nothing counts it" end
    media.write(path "a", "a")
    for what, plan in pairs {
        ["done"] = { remove = path "none", here = true },
        ["failed"] = { from = path "none", to = path "b", here = true },
        ["of the thread"] = { remove = path "none" },
        ["replaced"] = { replace = path "none/a", bytes = "abc" } } do
      local grown = growth.of(function()
        file.job(plan):close()
      end)
      assert.is_true(grown < 16, what .. ": " .. grown)
    end
  end)

  it("refuses what makes no sense", function()
    local part = assert(file.open(path "part", "edit"))
    part:close()
    for _, plan in ipairs { false, { sync = part }, { sync = "part" },
        { replace = "a" }, { bytes = "a" }, { from = "a" }, { to = "a" },
        { remove = "a\0b" }, { replace = "a\0b", bytes = "" },
        { from = "a\0b", to = "c" }, { from = "a", to = "b\0c" } } do
      local ok, why = pcall(file.job, plan)
      assert.is_false(ok)
      assert.truthy(why:find("#1", 1, true) or why:find "closed"
        or why:find "lipsync.File", why)
    end
    assert.is_false(pcall(file.job))
  end)

  it("is none where a field raises", function()
    for _, at in ipairs { "here", "all", "overwrite", "sync" } do
      local plan = setmetatable({ remove = path "kept" }, {
        __index = function(_, name) if name == at then error "raised" end end })
      media.write(path "kept", "")
      assert.has_error(function() file.job(plan) end)
      collectgarbage()
      assert.truthy(file.info(path "kept"))
    end
  end)

  it("is done while the program goes on", function()
    assert.same({ "true\tnil\n", true }, { run_slowly(30, [[
      local part = file.open(folder .. "/part", "edit")
      local job = file.job { sync = part, from = folder .. "/part",
                             to = folder .. "/whole" }
      for _ = 1, 1000 do assert(job:done() == false) end
      go()
      go()
      while job:done() == false do end
      assert(job:done())
      assert(file.info(folder .. "/whole"))
    ]]) })
  end)

  it("done here keeps the program waiting", function()
    assert.same({ "true\tnil\n", true }, { run_slowly(1, [[
      local part = file.open(folder .. "/part", "edit")
      local _, problem = file.job({ sync = part, here = true }):done()
      assert(problem.code == "file_unwritten" and problem.os_name == "EIO")
    ]]) })
  end)

  it("is taken back before it has begun, and waited for after", function()
    assert.same({ "true\tnil\n", true }, { run_slowly(4, [[
      local part = file.open(folder .. "/part", "edit")
      local one = file.job { sync = part, replace = folder .. "/one",
                             bytes = "" }
      local two = file.job { replace = folder .. "/two", bytes = "" }
      local three = file.job { remove = folder .. "/three" }
      await_asked()
      assert(two:stop() == false)
      two:close()
      file.open(folder .. "/three", "new"):close()
      local waited, problem = one:stop()
      assert(not waited and problem.os_name == "EIO")
      while three:done() == false do end
      assert(three:done())
      assert(not file.info(folder .. "/two"))
      assert(not file.info(folder .. "/three"))
    ]]) })
  end)

  it("is the parent's in a forked child, which has its own", function()
    assert.same({ "true\tnil\n", true }, { run_slowly(30, [[
      local process = require "process"
      local part = file.open(folder .. "/part", "edit")
      local one = file.job { sync = part }
      local two = file.job { replace = folder .. "/two", bytes = "" }
      await_asked()
      local said = process.wait(process.fork(function()
        local before = process.descriptors()
        for _, each in ipairs { one, two } do
          local done, problem = each:done()
          assert(done == nil and problem.code == "forked")
          done, problem = each:stop()
          assert(done == nil and problem.code == "forked")
          each:close()
        end
        assert(process.descriptors() == before - 1)
        local own = file.job { remove = folder .. "/none" }
        while own:done() == false do end
        return tostring(own:done())
      end))
      assert(said == "true", said)
      go()  -- one's
      go()  -- those of two: the file, and its folder
      go()
      while two:done() == false do end
      assert(one:done() and two:done())
    ]]) })
  end)

  local it_counts = proc.is_here and it or pending

  it_counts("leaves all signals to the program's own threads", function()
    assert.same({ "true\tnil\n", true }, { run_slowly(30, [[
      local function blocked(task)
        for line in io.lines("/proc/self/" .. task .. "status") do
          local mask = line:match "^SigBlk:%s*(%x+)"
          if mask then return mask end
        end
      end
      local before, others = blocked "", 0
      local part = file.open(folder .. "/part", "edit")
      local job = file.job { sync = part }
      await_asked()
      assert(blocked "" == before)
      for _, id in ipairs(file.names "/proc/self/task") do
        local mask = blocked("task/" .. id .. "/")
        if mask ~= before then
          others = others + 1
          assert(mask:find "^[f7][f]+", mask)
        end
      end
      assert(others == 1, others)
      go()
      while job:done() == false do end
      assert(job:done())
    ]]) })
  end)

  it_counts("leaves no thread when there is nothing to do", function()
    assert.same({ "1\n", true }, { program.run_text(([[
      local file = require "lipsync.file"
      for _ = 1, 50 do
        local job = file.job { remove = "%s/none" }
        while job:done() == false do end
      end
      local deadline = os.time() + 10
      local threads
      repeat
        threads = io.open("/proc/self/status"):read "*a":match
          "Threads:%%s*(%%d+)"
      until threads == "1" or os.time() > deadline
      print(threads)]]):format(folder)) })
  end)
end)
