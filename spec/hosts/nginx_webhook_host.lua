-- SPDX-License-Identifier: MIT
--
-- Webhooks in a real nginx, by the example's configuration: from the emulator
-- to a wait that wakes, and all that is refused.

local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"
local scripted = require "spec.support.scripted"

local has_hmac, hmac = pcall(require, "lipsync.hmac")
local binary = launch.find "nginx"
local modules = "/usr/lib/nginx/modules/"

local secret = "whsec_emulator"

-- Further locations for the specs, beside the example's.
local locations = [[
location = /hook { client_max_body_size 8m;
  content_by_lua_block { hook() } }
location = /small { client_body_buffer_size 1k;
  content_by_lua_block { small() } }
location = /told { content_by_lua_block {
  ngx.print(table.concat(told, "\n"))
} }
location = /fill { content_by_lua_block {
  local n = 0
  repeat
    n = n + 1
    local ok = ngx.shared.full:safe_set("key " .. n, true)
  until not ok
} }
location = /full { content_by_lua_block { full() } }
]]

local handlers = [[

  told = {}
  local function tell(object)
    told[#told + 1] = object.id .. " " .. #object:json()
    assert(object.model ~= "raises", "on_generation has failed")
  end
  hook = lipsync.webhook.nginx { secret = { "whsec_old", "whsec_emulator" },
    seen = "webhooks", on_generation = tell }
  small = lipsync.webhook.nginx { secret = "whsec_emulator", seen = "webhooks",
    max_body = 5000, on_generation = tell, on_batch = tell }
  full = lipsync.webhook.nginx { secret = "whsec_emulator", seen = "full",
    on_generation = tell }
]]

describe("a webhook in nginx", function()
  if not binary
     or launch.read(modules .. "ngx_http_lua_module.so") == "" then
    return pending "nginx with ngx_lua is not here"
  elseif not has_hmac then
    return pending "lipsync.hmac was not built"
  end
  local service, folder, server, base_url

  -- The status and the whole response to a webhook, signed now by default.
  local function post(path, body, options)
    options = options or {}
    local time = os.time() + (options.late or 0)
    local digest = hmac.sha256(options.secret or secret, time .. "." .. body)
    local signature = ("t=%d,v1=%s"):format(time, digest:gsub(".", function(c)
      return ("%02x"):format(c:byte())
    end))
    local headers = options.headers or { ["Sync-Signature"] = signature }
    if options.twice then headers["sync-signature"] = signature end
    local answer = http.request(base_url, options.method or "POST", path,
      { headers = headers, body = body })
    return answer.status, answer
  end

  local function refuses(status, ...)
    local given, answer = post(...)
    assert.equal(status, given)
    assert.equal("", answer.body)  -- who asks is told nothing
    return answer
  end

  local function told()
    return http.request(base_url, "GET", "/told").body
  end

  local function await_told(text)
    server:await(function() return told() == text end)
  end

  local function start(change)
    local port = launch.port()
    local text = launch.read "examples/nginx/webhooks.conf"
    text = text:gsub("127%.0%.0%.1:8081;", "127.0.0.1:" .. port .. ";")
      :gsub("build/nginx%-webhooks%.pid", folder .. "/nginx.pid")
      :gsub("%${prefix}", launch.root .. "/")
      :gsub("\nevents {}", "\nuser root;\nworker_rlimit_core 0;\nevents {}")
      :gsub("\n  lua_shared_dict", "\n  lua_shared_dict full 12k;%0")
      :gsub("\n    webhook = ", function(found) return handlers .. found end)
      :gsub("\n    location = /wait", function(found)
        return "\n" .. locations .. found
      end)
    if change then text = change(text) end
    local path = folder .. "/nginx.conf"
    launch.write(path, text)
    server = launch.start { folder = folder,
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
              SYNC_WEBHOOK_SECRET = secret },
      command = ("%s -p %s/ -c %s"):format(binary, folder, path) }
    base_url = "http://127.0.0.1:" .. port
  end

  local function start_and_await()
    start()
    server:await(function()
      return http.request(base_url, "GET", "/told").status
    end)
  end

  before_each(function()
    service = emulator.start { generations = 0 }
    folder = launch.folder()
    os.execute("mkdir " .. folder .. "/logs")
  end)

  after_each(function()
    server:stop()
    service:stop()
    launch.remove(folder)
  end)

  it("ends a wait that the service would not have ended", function()
    start_and_await()
    local id = service:add { status = "PROCESSING",
                             webhookUrl = base_url .. "/webhook" }
    -- Whoever asks is told that it goes on.
    service:fault { route = "list", times = 0, statusCode = 200,
      body = { { id = id, status = "PROCESSING", model = "lipsync-2",
                 createdAt = "2026-08-25T12:00:00Z" } } }
    local reader = launch.start { folder = folder,
      command = ("curl -s -m 60 '%s/wait?id=%s'"):format(base_url, id) }
    server:await(function() return #service:requests() > 0 end)
    service:advance(1000)
    local _, text = reader:finish()
    local generation = assert(lipsync.generation(text))
    assert.equal(id, generation.id)
    assert.equal("COMPLETED", generation.status)
    -- The wait may end before the service has read what nginx answered.
    local sent = server:await(function() return service:webhooks()[1] end)
    assert.equal(200, sent.statusCode)
  end)

  it("is taken once for each id and status, however often it comes", function()
    start_and_await()
    local body = '{"id":"a","status":"COMPLETED"}'
    for _ = 1, 3 do assert.equal(200, (post("/hook", body))) end
    await_told "a 31"
    -- Another signature of the same, with the other secret and the old name.
    assert.equal(200, (post("/hook", body, { late = -60 })))
    assert.equal(200, (post("/hook", body, { secret = "whsec_old" })))
    assert.equal(200, (post("/hook", '{"id":"a","status":"FAILED"}')))
    await_told "a 31\na 28"
  end)

  it("is refused when it is forged, late, doubled or bare", function()
    start_and_await()
    local body = '{"id":"a","status":"COMPLETED"}'
    refuses(401, "/hook", body, { secret = "whsec_other" })
    refuses(401, "/hook", body, { late = -400 })
    refuses(401, "/hook", body, { late = 400 })
    refuses(401, "/hook", body, { twice = true })
    refuses(401, "/hook", body, { headers = {} })
    refuses(401, "/hook", body, { headers = { ["Sync-Signature"] = "t=1" } })
  end)

  it("is refused when it is signed and no generation", function()
    start_and_await()
    for _, body in ipairs { "", "{", "[]", '{"status":"COMPLETED"}' } do
      refuses(400, "/hook", body)
    end
    assert.matches("webhook refused: read webhook: ", server:log())
    assert.equal("", told())
  end)

  it("is refused when it is no POST", function()
    start_and_await()
    for _, method in ipairs { "GET", "PUT", "DELETE" } do
      local answer = refuses(405, "/hook", "{}", { method = method })
      assert.equal("POST", answer.headers.allow)
    end
  end)

  it("is read from memory or from a file, up to a size", function()
    start_and_await()
    local function body(id, size)
      local text = ('{"id":"%s","status":"COMPLETED","x":""}'):format(id)
      return (text:gsub('""', '"' .. ("y"):rep(size - #text) .. '"'))
    end
    -- nginx keeps a kilobyte here, and puts more into a file.
    assert.equal(200, (post("/small", body("a", 900))))
    assert.equal(200, (post("/small", body("b", 5000))))
    refuses(413, "/small", body("c", 5001))
    await_told "a 900\nb 5000"
    assert.equal(200, (post("/hook", body("d", 1024 * 1024))))
    refuses(413, "/hook", body("e", 1024 * 1024 + 1))
    await_told("a 900\nb 5000\nd " .. 1024 * 1024)
  end)

  it("of a batch goes where it is wanted, or nowhere", function()
    start_and_await()
    local body = '{"id":"b","status":"COMPLETED","metrics":{}}'
    assert.equal(200, (post("/hook", body)))
    assert.equal("", told())
    assert.equal(200, (post("/small", body)))
    await_told("b " .. #body)
  end)

  it("whose work fails is logged, and may come again", function()
    start_and_await()
    local body = '{"id":"a","status":"FAILED","model":"raises"}'
    assert.equal(200, (post("/hook", body)))
    server:await(function()
      return server:log():find("webhook a FAILED: [^\n]*on_generation has fai")
    end)
    assert.equal(200, (post("/hook", body)))
    await_told(("a %d\na %d"):format(#body, #body))
  end)

  it("that cannot be remembered is to come again", function()
    start_and_await()
    http.request(base_url, "GET", "/fill")
    refuses(503, "/full", '{"id":"a","status":"FAILED"}')
    assert.matches("webhook refused: a FAILED: no memory", server:log())
    assert.equal("", told())
  end)

  it("answers before the work is done", function()
    start_and_await()
    -- The work takes as long as nginx runs.
    server:stop()
    start(function(text)
      return (text:gsub("told%[#told %+ 1%] = ", "ngx.sleep(3600) %0"))
    end)
    server:await(function()
      return http.request(base_url, "GET", "/told").status
    end)
    assert.equal(200, (post("/hook", '{"id":"a","status":"COMPLETED"}')))
    assert.equal("", told())
  end)

  it("needs right options, or nginx does not start", function()
    local wants = 'seen = "full",\n    on_generation = tell'
    for said, change in pairs {
      ["secret must be a string, got nil"] = {
        'secret = "whsec_emulator", seen', "secret = nil, seen" },
      ['seen is "webhooks", which nginx.conf does not have'] = {
        "lua_shared_dict webhooks 1m;", "" },
      ["seen is missing"] = { 'seen = "full",', "" },
      ["on_generation is missing"] = { wants, 'seen = "full"' },
      ["on_generation must be a function, got string"] = { wants,
        'seen = "full", on_generation = "tell"' },
      ["max_body must be above 0"] = { "max_body = 5000", "max_body = 0" },
      ['unknown option "max_boby", did you mean "max_body"'] = {
        "max_body = 5000", "max_boby = 5" },
    } do
      start(function(text)
        local from, to = text:find(change[1], 1, true)
        assert(from, change[1])
        return text:sub(1, from - 1) .. change[2] .. text:sub(to + 1)
      end)
      local status, log = server:finish(30)
      assert.not_equal(0, status)
      assert.is_truthy(log:find(said, 1, true), log)
    end
  end)

  it("comes from the emulator with each of its faults", function()
    start_and_await()
    local function send(settings)
      service:set(settings)
      service:add { status = "PROCESSING", webhookUrl = base_url .. "/hook" }
      local before = #service:webhooks()
      service:advance(1000)
      server:await(function() return #service:webhooks() > before end)
      local all = service:webhooks()
      return all[#all].statusCode
    end
    assert.equal(200, send {})
    assert.equal(200, send { webhook_old_header = true })
    for _, how in ipairs { "wrong", "late", "doubled", "none" } do
      assert.equal(401, send { webhook_signature = how }, how)
    end
    assert.equal(200, send { webhook_signature = "right", webhook_copies = 2 })
    server:await(function()
      return select(2, told():gsub("[^\n]+", "")) == 3
    end)
    scripted.sleep(0.05)
    assert.equal(3, (select(2, told():gsub("[^\n]+", ""))))
  end)
end)
