-- SPDX-License-Identifier: MIT
-- The handler for a location of nginx, with a stand-in for its API: what is
-- answered, remembered, logged and handed on. In a real one:
-- spec/hosts/nginx_webhook_host.lua.

local launch = require "spec.support.launch"
local lipsync = require "lipsync"
local verify = require "lipsync.webhook.verify"

local has_hmac, hmac = pcall(require, "lipsync.hmac")

local secret = "whsec_4eC39HqLyjWDarjtT1zdp7dc"
local completed = '{"id":"a","status":"COMPLETED"}'
local batch = '{"id":"b","status":"COMPLETED","metrics":{}}'

describe("lipsync.webhook.nginx", function()
  if not has_hmac then return pending "lipsync.hmac is left out" end

  -- What nginx would have done; what it remembers, with the seconds; what its
  -- timers are to call.
  local done, kept, timers
  -- The request that it has, and what stops it from doing more.
  local request, trouble

  -- As in nginx, a header that comes twice is an array, and no more of them are
  -- read than are asked for; 0: all.
  local function headers_of(most)
    local found = {}
    for i, pair in ipairs(request.headers) do
      if most > 0 and i > most then break end
      local name, value = pair[1], pair[2]
      found[name] = found[name] and { found[name], value } or value
    end
    return found
  end

  local function note(text) done[#done + 1] = text end

  local seen = {}

  function seen.safe_add(_, key, value, seconds)
    if trouble.full then return false, "no memory" end
    if kept[key] then return false, "exists" end
    assert.is_true(value)
    kept[key] = seconds
    return true
  end

  function seen.delete(_, key) kept[key] = nil end

  local function fake_nginx()
    local read, ngx = false, nil
    ngx = {
      shared = { webhooks = seen }, header = {}, OK = 0, ERR = 4, WARN = 5,
      var = { http_content_length = request.length },
      req = {
        get_method = function() return request.method end,
        get_headers = headers_of,
        read_body = function() read = true end,
        get_body_data = function() return read and request.body or nil end,
        get_body_file = function() return read and request.path or nil end,
      },
      timer = { at = function(seconds, fn)
        if trouble.busy then return nil, "too many timers" end
        timers[#timers + 1] = { seconds, fn }
        return true
      end },
      log = function(level, ...)
        note((level == 5 and "warns: " or "error: ")
          .. table.concat { ... })
      end,
      send_headers = function()
        note(("%d %d %s"):format(ngx.status, ngx.header["Content-Length"],
          ngx.header.Allow or ""))
      end,
      exit = function(status) note("exit " .. status) end,
    }
    return ngx
  end

  before_each(function()
    done, kept, timers, trouble = {}, {}, {}, {}
    request = { method = "POST", headers = {} }
  end)
  after_each(function() rawset(_G, "ngx", nil) end)

  local function signature_of(body, late)
    local time = os.time() - (late or 0)
    return ("t=%d,v1=%s"):format(time, hmac.sha256(secret, time .. "." .. body)
      :gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
  end

  local told
  local function tell(object) told[#told + 1] = object.id end

  -- The handler with these options more; false takes one away.
  local function make(more)
    told = {}
    rawset(_G, "ngx", fake_nginx())
    local own = { secret = secret, seen = "webhooks", on_generation = tell }
    for name, value in pairs(more or {}) do own[name] = value or nil end
    return lipsync.webhook.nginx(own)
  end

  -- What is done with one webhook: a line for each call.
  local function take(body, more)
    request.body = body
    if #request.headers == 0 then
      request.headers = { { "host", "x" },
                          { "sync-signature", signature_of(body) } }
    end
    done = {}
    make(more)()
    return table.concat(done, "\n")
  end

  local well = "200 0 \nexit 0"

  it("answers first, and works in a timer then", function()
    assert.equal(well, take(completed))
    assert.same({}, told)
    assert.equal(1, #timers)
    assert.equal(0, timers[1][1])
    timers[1][2](false)
    assert.same({ "a" }, told)
    assert.same({ ["a COMPLETED"] = 24 * 3600 }, kept)
    assert.equal(well, table.concat(done, "\n"))
  end)

  it("takes one only once, for as long as it is told", function()
    assert.equal(well, take(completed, { remember = 0.5 }))
    assert.same({ ["a COMPLETED"] = 0.5 }, kept)
    assert.equal(well, take(completed))
    assert.equal(1, #timers)
    request.headers = {}
    assert.equal(well, take '{"id":"a","status":"FAILED"}')
    assert.equal(2, #timers)
  end)

  it("hands on what is wanted, and forgets the rest", function()
    assert.equal(well, take(batch))
    assert.equal(0, #timers)
    assert.same({}, kept)
    local batches = {}
    assert.equal(well, take(batch, { on_generation = false,
      on_batch = setmetatable({}, { __call = function(_, object)
        batches[#batches + 1] = object.metrics ~= nil and object.id
      end }) }))
    timers[1][2](false)
    assert.same({ "b" }, batches)
    request.headers = {}
    assert.equal(well, take(completed, { on_generation = false,
                                         on_batch = tell }))
    assert.equal(1, #timers)
  end)

  it("is to get again what could not be kept or begun", function()
    trouble.full = true
    assert.equal("warns: webhook refused: a COMPLETED: no memory\n503 0 \n"
      .. "exit 0", take(completed))
    assert.equal(0, #timers)
    trouble = { busy = true }
    assert.equal("warns: webhook refused: a COMPLETED: too many timers\n503 0 "
      .. "\nexit 0", take(completed))
    assert.same({}, kept)
  end)

  it("forgets what was not worked off, and logs why", function()
    for said, how in pairs { ["the worker ends"] = true,
                             ["no room"] = false } do
      take(completed, { on_generation = function() error("no room", 0) end })
      done = {}
      timers[#timers][2](how)
      assert.equal("error: webhook a COMPLETED: " .. said,
        table.concat(done, "\n"))
      assert.same({}, kept)
    end
  end)

  it("refuses what is forged, late or signed twice", function()
    local right = signature_of(completed)
    for said, headers in pairs {
        ["its signature does not fit the secret"] = {
          { "sync-signature", signature_of(batch) } },
        ["it was signed 4%d%d s ago"] = {
          { "sync-signature", signature_of(completed, 400) } },
        ["it has no signature"] = { { "host", "x" } },
        ["its signature header came more than once"] = {
          { "sync-signature", right }, { "sync-signature", right } } } do
      request.headers = headers
      assert.matches("^warns: webhook refused: verify webhook: " .. said
        .. "[^\n]*\n401 0 \nexit 0$", take(completed))
    end
    request.headers = { { "sync-signature", signature_of(completed, 400) } }
    assert.equal(well, take(completed, { tolerance = 500 }))
    assert.equal(1, #timers)
  end)

  it("refuses what is signed and no webhook, with another status", function()
    assert.matches("^warns: webhook refused: read webhook: [^\n]*\n400 0 \n"
      .. "exit 0$", take "[]")
    assert.equal(0, #timers)
  end)

  it("takes a POST alone", function()
    for _, method in ipairs { "GET", "PUT", "post" } do
      request.method = method
      assert.equal(("warns: webhook refused: its method is %s\n405 0 POST\n"
        .. "exit 0"):format(method), take(completed))
    end
  end)

  it("reads no more than it may, wherever the body is", function()
    local long = "warns: webhook refused: it is too long\n413 0 \nexit 0"
    local size = #completed
    assert.equal(well, take(completed, { max_body = size }))
    assert.equal(long, take(completed, { max_body = size - 1 }))
    for length, said in pairs { [size] = well, [size + 1] = long } do
      request.length, kept = tostring(length), {}
      assert.equal(said, take(completed, { max_body = size }))
    end
    for length, said in pairs { [1024 * 1024] = well,
                                [1024 * 1024 + 1] = long } do
      request.length, kept = tostring(length), {}
      assert.equal(said, take(completed))
    end
    request.length, kept = nil, {}
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    request.path = path
    launch.write(path, completed)
    request.headers = { { "sync-signature", signature_of(completed) } }
    assert.equal(well, take(nil, { max_body = size }))
    assert.equal(long, take(nil, { max_body = size - 1 }))
    request.headers = { { "sync-signature", signature_of "" } }
    launch.write(path, "")
    assert.matches("read webhook: [^\n]*\n400 0", take(nil))
    request.path = path .. "/none"
    assert.equal(("warns: webhook refused: %s/none cannot be opened\n503 0 \n"
      .. "exit 0"):format(path), take(nil))
    request.path = nil
    assert.matches("read webhook: [^\n]*\n400 0", take(nil))
  end)

  it("loads what it needs where it is made", function()
    local load, n = verify.load, 0
    finally(function() verify.load = load end)
    function verify.load()
      n = n + 1
      return load()
    end
    make()
    assert.equal(1, n)
  end)

  it("raises for wrong options, with the caller's line", function()
    local function raises(said, fn)
      local ok, problem = pcall(fn)
      assert.is_false(ok, said)
      assert.matches("nginx_spec%.lua:%d+: ", problem)
      assert.is_truthy(problem:find(": " .. said, 1, true), problem)
    end
    for said, more in pairs {
        ["seen is missing: the name of a lua_shared_dict"] = { seen = false },
        ["seen must be a string, got number 5"] = { seen = 5 },
        ['seen is "hooks", which nginx.conf does not have: "lua_shared_dict '
          .. 'hooks 1m;"'] = { seen = "hooks" },
        ['on_generation must be a function, got string "f"'] = {
          on_generation = "f" },
        ["on_batch must be a function, got number 5"] = { on_batch = 5 },
        ["on_generation is missing: the function that gets each"] = {
          on_generation = false },
        ['max_body must be a number, got string "1"'] = { max_body = "1" },
        ["max_body must be above 0, got number 0"] = { max_body = 0 },
        ["max_body must be above 0, got number -1"] = { max_body = -1 },
        ["max_body must be above 0, got number "] = { max_body = 0 / 0 },
        ["remember must be above 0, got number 0"] = { remember = 0 },
        ["remember must be a number, got boolean true"] = { remember = true },
        ["tolerance must be a number of seconds, or false, got number -1"] = {
          tolerance = -1 },
        ["secret must be a string, got nil"] = { secret = false },
        ['unknown option "max_boby", did you mean "max_body"? Known: max_body, '
          .. "on_batch, on_generation, remember, secret, seen, tolerance."] = {
          max_boby = 5 } } do
      raises(said, function() make(more) end)
    end
    rawset(_G, "ngx", fake_nginx())
    raises("options must be a table, got nil", function()
      lipsync.webhook.nginx()
    end)
    raises("call it with a dot: lipsync.webhook.nginx { … }", function()
      lipsync.webhook:nginx {}
    end)
    for _, other in ipairs { false, {} } do
      rawset(_G, "ngx", other or nil)
      raises("this program is not nginx", function()
        lipsync.webhook.nginx { secret = secret, seen = "webhooks",
                                on_generation = tell }
      end)
    end
  end)
end)
