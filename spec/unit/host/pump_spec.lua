-- SPDX-License-Identifier: MIT
-- client:drive, in a loop that polls by itself and notes what it is asked.

local core = require "lipsync.core"
local poll_interval = require "lipsync.host.poll_interval"
local pump = require "lipsync.host.pump"
local emulator = require "spec.support.emulator"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

-- A loop: run() turns until nothing is left in it.
local function new_loop()
  local self = { watched = {}, timers = {}, watches = 0, most = 0,
                 afters = 0, shortest = math.huge }
  local function size(of)
    local n = 0
    for _ in pairs(of) do n = n + 1 end
    return n
  end
  function self.watch(fd, fn)
    local handle = { fd = fd, fn = fn }
    self.watched[handle], self.watches = true, self.watches + 1
    return handle
  end
  function self.unwatch(handle)
    assert(self.watched[handle])
    self.watched[handle] = nil
  end
  function self.after(seconds, fn)
    local handle = { due = core.now() + seconds, fn = fn }
    self.timers[handle] = true
    self.afters = self.afters + 1
    self.shortest = math.min(self.shortest, seconds)
    self.most = math.max(self.most, size(self.timers))
    return handle
  end
  function self.cancel(handle)
    assert(self.timers[handle])
    self.timers[handle] = nil
  end
  function self.is_idle()
    return next(self.watched) == nil and next(self.timers) == nil
  end
  local function due()
    for handle in pairs(self.timers) do
      if core.now() >= handle.due then return handle end
    end
  end
  local function turn()
    -- As if it could be read: a step may find nothing.
    local handle = next(self.watched)
    if handle then handle.fn() end
    handle = due()
    if handle then
      self.timers[handle] = nil
      handle.fn()
    end
  end
  -- Until the client has nothing to do, where timers cannot be canceled.
  function self.run(client)
    local deadline = core.now() + 30
    while not self.is_idle() and core.now() < deadline
          and not (client and client:pending() == 0) do
      turn()
      scripted.sleep(0.001)
    end
  end
  return self
end

local function part(loop, ...)
  local own = {}
  for _, name in ipairs { ... } do own[name] = loop[name] end
  return own
end

describe("a pump", function()
  local now, real = 100, core.now
  local told, fd, made, on_close, moved

  -- With a point, whatever the locale has.
  local function after(seconds)
    return (("after %g"):format(seconds):gsub(",", "."))
  end

  local loop = {}
  function loop.after(seconds, fn)
    told[#told + 1] = after(seconds)
    loop.fn = fn
    return #told
  end
  function loop.cancel(handle) told[#told + 1] = "cancel " .. handle end
  function loop.watch(of, fn)
    told[#told + 1] = "watch " .. of
    loop.on_event = fn
    return made
  end
  function loop.unwatch(handle)
    told[#told + 1] = "unwatch " .. tostring(handle)
  end

  local function new(...)
    told, fd, made, on_close, moved = {}, nil, nil, nil, 0
    local client = { runtime = function()
      return { session = { fd = function() return fd end },
               waiters = { on_close = function(_, _, fn) on_close = fn end } }
    end }
    local own = {}
    for _, name in ipairs { ... } do own[name] = loop[name] end
    return pump.new(client, own, function() moved = moved + 1 end), own
  end

  before_each(function()
    now = now + 1000
    core.now = function() return now end
  end)
  after_each(function() core.now = real end)

  it("watches the descriptor as long as there is something to do", function()
    local one = new("after", "cancel", "watch", "unwatch")
    fd, made = 7, "handle"
    one:arm(true)
    one:arm(true)
    assert.same({ "watch 7" }, told)
    loop.on_event()
    assert.equal(1, moved)
    one:arm(false)
    one:arm(false)
    assert.same({ "watch 7", "unwatch handle" }, told)
    made = nil
    one:arm(true)
    one:arm(true)
    on_close()
    assert.same({ "watch 7", "unwatch handle", "watch 7", "unwatch true" },
      told)
  end)

  it("keeps a timer that is due early enough", function()
    local one = new("after", "cancel", "watch", "unwatch")
    fd, made = 7, "handle"
    one:arm(true, 5)
    one:arm(true, 6)
    now = now + 1
    one:arm(true, 4)
    one:arm(true, 3.9995)
    assert.same({ "watch 7", "after 5" }, told)
    one:arm(true, 3.9)
    assert.same({ "watch 7", "after 5", "cancel 2", "after 3.9" }, told)
    one:arm(true)
    assert.equal("cancel 4", told[5])
    one:arm(true, 0)
    assert.equal("after 0.001", told[6])
    loop.fn()
    assert.equal(1, moved)
    one:arm(true, 9)
    assert.equal("after 9", told[7])
    assert.equal(7, #told)
  end)

  it("does nothing at a timer that could not be canceled", function()
    local one = new("after", "watch", "unwatch")
    fd, made = 7, "handle"
    one:arm(true, 5)
    local first = loop.fn
    one:arm(true, 1)
    first()
    assert.equal(0, moved)
    loop.fn()
    loop.fn()
    assert.equal(1, moved)
  end)

  it("looks from time to time where nothing is watched", function()
    local one, own = new "after"
    for n = 1, 40 do
      one:arm(true)
      assert.equal(after(math.min(1, poll_interval.seconds(n))),
        told[#told])
      loop.fn()
    end
    one:arm(true, 0)
    assert.equal(after(math.max(0.001, 0)), told[#told])
    loop.fn()
    one:arm(true, 0.002)
    assert.equal(after(math.min(0.002,
      poll_interval.seconds(1))), told[#told])
    loop.fn()
    one:arm(false)
    one:arm(true)
    assert.equal(after(poll_interval.seconds(1)), told[#told])
    local checks, rests = 0, 0
    function own.check() checks = checks + 1 end
    function own.rest() rests = rests + 1 end
    one:arm(true)
    one:arm(false)
    assert.same({ 1, 1 }, { checks, rests })
  end)
end)

describe("drive", function()
  local here = service.fixture(after_each)
  local one

  before_each(function()
    if emulator.has_program() then one = emulator.start { generations = 30 } end
  end)

  after_each(function()
    if one then one:stop() end
  end)

  local function client_of(options)
    options = options or {}
    options.api_key = one.key
    return service.client(one.base_url, options)
  end

  -- A task that lists all, sleeps, and counts.
  local function start(client, got)
    client:spawn(function()
      local listing = client.generations:list()
      while listing:next() do got.listed = (got.listed or 0) + 1 end
      client:sleep(0.01)
      got.count = client.generations:count()
    end)
  end

  for name, words in pairs {
    ["all four"] = { "watch", "unwatch", "after", "cancel" },
    ["no cancel"] = { "watch", "unwatch", "after" },
    ["a timer"] = { "after", "cancel" },
    ["after alone"] = { "after" },
  } do
    it("makes the steps by " .. name, function()
      if not one then return pending "no emulator was built" end
      local loop, client, got = new_loop(), client_of(), {}
      client:drive(part(loop, (table.unpack or unpack)(words)))
      assert.is_true(loop.is_idle())
      local cancels = words[2] == "cancel" or words[4] == "cancel"
      local done = not cancels and client or nil
      start(client, got)
      assert.is_false(loop.is_idle())
      loop.run(done)
      assert.same({ listed = 30, count = 30 }, got)
      assert.is_true(loop.is_idle() or not cancels)
      -- A timer of none would starve what else a loop of libuv's has.
      assert.equal(0.001, loop.shortest)
      if words[4] then
        -- Without epoll there is no descriptor to watch.
        assert.equal(client:fd() and 1 or 0, loop.watches)
        assert.equal(1, loop.most)
      end
      start(client, got)
      loop.run(done)
      assert.equal(60, got.listed)
      client:close()
    end)
  end

  it("takes tasks that are there, and may be replaced", function()
    if not one then return pending "no emulator was built" end
    local first, second, client, got = new_loop(), new_loop(), client_of(), {}
    start(client, got)
    client:drive(part(first, "watch", "unwatch", "after", "cancel"))
    assert.is_false(first.is_idle())
    client:drive(part(second, "watch", "unwatch", "after", "cancel"))
    assert.is_true(first.is_idle())
    second.run()
    assert.same({ listed = 30, count = 30 }, got)
    client:close()
  end)

  it("sets no timer anew that is due early enough", function()
    if not one then return pending "no emulator was built" end
    local loop, client, got = new_loop(), client_of(), {}
    one:fault { route = "list", drip = 200000 }
    client:drive(part(loop, "watch", "unwatch", "after", "cancel"))
    start(client, got)
    loop.run()
    assert.same({ listed = 30, count = 30 }, got)
    -- In as many turns as there are milliseconds: most find a timer that is
    -- due before what they wait for. Without a descriptor each turn needs one.
    assert.is_true(not client:fd() or loop.afters <= 15,
      loop.afters .. " timers")
    client:close()
  end)

  it("lets go when the client is closed", function()
    if not one then return pending "no emulator was built" end
    local loop = new_loop()
    local client = client_of { on_task_error = function() end }
    client:drive(part(loop, "watch", "unwatch", "after", "cancel"))
    start(client, {})
    client:close()
    assert.is_true(loop.is_idle())
  end)

  it("refuses what is no loop", function()
    here.start {}
    local client = here.client
    for pattern, wrong in pairs {
      ["after is needed"] = {},
      ["go together"] = { after = print, watch = print },
      ['unknown loop "afer", did you mean "after"'] = { afer = print },
      ["after must be a function"] = { after = 5 },
    } do
      local ok, problem = pcall(function() client:drive(wrong) end)
      assert.is_false(ok)
      assert.matches("pump_spec.lua:%d+: ", problem)
      assert.is_truthy(problem:find(pattern, 1, true), problem)
    end
  end)
end)
