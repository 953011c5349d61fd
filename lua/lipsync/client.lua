-- SPDX-License-Identifier: MIT
-- A client: its options, its session, and the methods for a program's own loop.

local abandoned = require "lipsync.call.abandoned"
local retry_budget = require "lipsync.call.retry_budget"
local error_codes = require "lipsync.resources.errors"
local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local events = require "lipsync.call.events"
local failure = require "lipsync.error.failure"
local generations = require "lipsync.resources.generations"
local host = require "lipsync.host"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local shown = require "lipsync.base.members"
local limiter = require "lipsync.call.limiter"
local load = require "lipsync.host.load"
local native_tasks = load.later "lipsync.sched.native_tasks"
local request = load.later "lipsync.request"
local scheduler = require "lipsync.sched.scheduler"
local sleep = require "lipsync.call.sleep"
local waiters = require "lipsync.sched.waiters"
local http = require "lipsync.http"

---@class lipsync.Client
---@field assets lipsync.Assets
---@field batches lipsync.Batches
---@field generations lipsync.Generations
---@field models lipsync.Models
---@field projects lipsync.Projects
---@field speech lipsync.Speech
---@field transcriptions lipsync.Transcriptions
---@field dialogue_edits lipsync.DialogueEdits
---@field usage lipsync.UsageRecords
---@field voices lipsync.Voices
---@field webhooks lipsync.Webhooks
---@field errors lipsync.ErrorCodes
local Client = {}
Client.__index = Client

local client = {}

-- The resources that are loaded when they are first used, or by client:warm;
-- the others are there with the first client.
local later = { "assets", "batches", "dialogue_edits", "models", "projects",
                "speech", "transcriptions", "usage", "voices", "webhooks" }

local service = "https://api.sync.so"

-- The default budget of a step: an eighth of a frame.
local default_budget = 0.002

-- The options of lipsync.new, see init.lua.
local fields = {
  api_key = function(value, name)
    return value and schema.secret(value, name)
  end,
  base_url = schema.string,
  timeout = schema.seconds, connect_timeout = schema.seconds,
  stall_timeout = schema.seconds, max_attempts = schema.integer(),
  max_in_flight = schema.integer(), max_transfers = schema.integer(),
  max_waits = schema.integer(), max_generation = schema.integer(),
  max_response = schema.integer(), ca_file = schema.string,
  proxy = schema.string, headers = schema.headers,
  user_agent = schema.string,
  host = function(value, name)
    if type(value) == "string" then return value end
    return schema.callable "a host's name or a function" (value, name)
  end,
  on_event = schema.callable(), on_task_error = schema.callable(),
  allow_http = schema.boolean, media_hosts = schema.strings,
  strict = schema.boolean,
}

local defaults = {
  timeout = 60, connect_timeout = 10, stall_timeout = 30, max_attempts = 4,
  max_in_flight = 8, max_transfers = 8, max_waits = 32,
  max_generation = 1024 * 1024,
  max_response = 16 * 1024 * 1024,
}

-- The given options, with the defaults that the core does not have.
local function read_options(given)
  return schema.join(defaults, schema.read(fields, given, "options"))
end

-- An environment variable that is not empty.
local function environment(own, name)
  local value = not own.strict and core.getenv(name)
  return value ~= "" and value or nil
end

-- The variables that curl has for the proxy of an https: address.
local proxy_variables = { "https_proxy", "HTTPS_PROXY", "all_proxy",
                          "ALL_PROXY" }

-- The proxy's address, and the option or variable that it comes from.
local function proxy_of(own)
  if own.proxy then return own.proxy, "proxy" end
  for _, name in ipairs(proxy_variables) do
    local value = environment(own, name)
    if value then return value, name end
  end
end

-- The origins of key and addresses, for the sentences of errors: the options
-- and variables, or what the caller names in `origins`.
local function sources(own, origins)
  local key = own.api_key ~= "" and own.api_key or nil
  local env_key, env_url = environment(own, "SYNC_API_KEY"),
    environment(own, "SYNC_BASE_URL")
  local proxy, proxy_from = proxy_of(own)
  return {
    proxy = proxy, proxy_from = origins.proxy or proxy_from,
    api_key = key or own.api_key == nil and env_key or nil,
    key_from = origins.api_key
      or own.api_key == nil and not own.strict and "SYNC_API_KEY" or "api_key",
    base_url = own.base_url or env_url or service,
    base_url_from = origins.base_url
      or own.base_url and own.base_url ~= service and "base_url"
      or not own.base_url and env_url and "SYNC_BASE_URL" or nil,
  }
end

-- The certificates to verify servers with; nil: libcurl's. The variables are
-- those that curl and OpenSSL have.
local function ca_file(own)
  return own.ca_file or environment(own, "CURL_CA_BUNDLE")
    or environment(own, "SSL_CERT_FILE")
end

local function user_agent(own)
  local text = ("lipsync/%s (%s)"):format(core._VERSION, _VERSION)
  return own.user_agent and text .. " " .. own.user_agent or text
end

local function check_host(own)
  if type(own.host) ~= "string" then return end
  local known = {}
  for _, name in ipairs(host.names()) do known[name] = true end
  misuse.name(own.host, known, "host")
end

-- All settings of a session. They are kept, because a forked child needs a
-- session of its own.
local function session_config(own, from)
  return {
    base_url = from.base_url, api_key = from.api_key,
    user_agent = user_agent(own), bare_agent = user_agent {},
    ca_file = ca_file(own), proxy = from.proxy,
    proxy_is_named = own.proxy ~= nil,
    no_proxy = environment(own, "no_proxy") or environment(own, "NO_PROXY"),
    connect_timeout = own.connect_timeout,
    max_response = own.max_response, max_object = own.max_generation,
    allow_http = own.allow_http or false, media_hosts = own.media_hosts,
    headers = own.headers,
  }
end

-- A wrong address is an error of the program or its environment.
local function raise_address(phrase, from)
  local text, origin = phrase:gsub("%.$", ""), from.base_url_from
  if origin and origin ~= "base_url" then
    text = text .. ". The address comes from " .. origin
  end
  misuse.raise(text .. ".")
end

-- A key or header that cannot be sent may come from outside. The client is made
-- without it, and each call that needs it returns the error.
local function make_session(config, from)
  local problem = schema.unsendable(config.headers)
  local refused = problem and { message = problem, field = "headers" }
  if problem then config.headers = nil end
  while true do
    local session, raw = http.session(config)
    if session then return session, refused or nil end
    local _, phrase, field = failure.describe(raw)
    if field == "base_url" or config[field] == nil then
      raise_address(phrase, from)
    end
    refused = { message = phrase:gsub("^api_key", function()
      return from.key_from
    end), field = field }
    config[field] = nil
  end
end

local none = {}

--- See lipsync.new.
---@param given table|nil
---@param origins table|nil  where api_key, base_url and proxy come from, in the
---   sentences of errors; for a program whose user gave them otherwise
---@return lipsync.Client
function client.new(given, origins)
  local own = read_options(given)
  check_host(own)
  local from = sources(own, origins or none)
  local config = session_config(own, from)
  local session, refused = make_session(config, from)
  own.api_key = nil
  host.attach()
  -- What each call asks of is false, not nil: so it is found at once.
  local self = setmetatable({
    options = own, has_key = from.api_key ~= nil, refused = refused or false,
    closed = false, step_ends = false,
    make_session = function() return http.session(config) end,
    listener = events.listener(own.on_event,
      events.wants_log(environment(own, "SYNC_LOG"))) or false,
    known = { host = session:host(), base_url = from.base_url,
              base_url_from = from.base_url_from, key_from = from.key_from,
              proxy_from = from.proxy_from,
              ca_file = config.ca_file or http.ca_file },
  }, Client)
  self.known.known_code = function(code) return self.errors:_facts(code) end
  self.known.redact = function(text)
    return self.current.session:redact(text)
  end
  self:start_runtime(session)
  self.generations, self.errors = generations.new(self), error_codes.new(self)
  for _, name in ipairs(later) do self[name] = operation.later(name, self) end
  return self
end

-- Makes the objects that belong to one process.
function Client:start_runtime(session)
  abandoned.add(session)
  local runtime = {
    forks = http.forks(), session = session,
    retry_budget = retry_budget.new(), waiters = waiters.new(),
    limiter = limiter.new(self.options.max_in_flight),
    transfers = limiter.new(self.options.max_transfers),
    polls = setmetatable({}, { __mode = "k" }),  -- long ones, see wait.lua
    crowd = setmetatable({}, { __mode = "k" }),  -- see crowd.lua
  }
  runtime.scheduler = scheduler.new(self, runtime)
  self.current = runtime
  return runtime
end

--- Session, limiter, retry budget, waiters and scheduler of this process. A
--- forked child gets its own.
---@return { session: table, limiter: table, retry_budget: table,
---   waiters: table, scheduler: table }
function Client:runtime()
  local current = self.current
  if current.forks == http.forks() or self.closed then return current end
  return self:start_runtime(self.make_session())
end

--- What errors report about this client; a fresh table.
---@return table
function Client:about()
  local about = {}
  for name, value in pairs(self.known) do about[name] = value end
  about.late = self.late
  return about
end

--- Raises if the client was closed.
function Client:check_open()
  if self.closed then misuse.raise("this client was closed") end
end

local function open(self, name)
  misuse.self(self, Client, "client:%s(…)", name)
  self:check_open()
  return self:runtime()
end

--- The single descriptor for a program's own loop to watch for reading.
---@return integer|nil  nil if there is none: then use timeout and step
function Client:fd()
  return (open(self, "fd").session:fd())
end

--- Seconds until `step` must be called even if the descriptor is silent.
---@return number|nil  nil: no need
function Client:timeout()
  local runtime = open(self, "timeout")
  local due, own = runtime.session:timeout(), runtime.scheduler:timeout()
  return due and own and math.min(due, own) or due or own
end

--- Makes a task: a coroutine that may wait wherever the program may. It first
--- runs in the next step. In nginx and in a cqueues controller it is a
--- coroutine of the host and needs no steps; nginx starts it at once, cqueues
--- when the controller comes to it. If it dies, its calls end with it, and
--- `on_task_error` is called.
---@param fn function
---@param ... any  its arguments
---@return lipsync.Task
function Client:spawn(fn, ...)
  local runtime = open(self, "spawn")
  if not misuse.callable(fn) then
    misuse.raise("spawn takes a function, got " .. misuse.show(fn))
  end
  return runtime.scheduler:spawn(fn, ...)
end

--- Does what can be done without waiting, and resumes the tasks whose targets
--- are ready, at least one. Reading keeps the budget to a fraction of a
--- millisecond, also in a listing with more to give; what a task does between
--- two waits is not limited. (New TLS connections take longer: see `warm`.)
---@param budget number|nil  seconds after which to stop although more is ready;
---   default 0.002
---@return integer  how many transfers became ready
function Client:step(budget)
  local runtime = open(self, "step")
  if budget ~= nil and (type(budget) ~= "number" or budget ~= budget) then
    misuse.raise("budget must be a number of seconds, got "
      .. misuse.show(budget))
  end
  return runtime.scheduler:step(budget or default_budget)
end

-- What client:drive takes.
local loop_fields = {
  watch = schema.callable(), unwatch = schema.callable(),
  after = schema.callable(), cancel = schema.callable(),
}

---@class lipsync.Loop
---@field watch nil|fun(fd: integer, fn: function): any  calls `fn` whenever
---   the descriptor can be read, until `unwatch`; returns a handle
---@field unwatch nil|fun(handle: any)
---@field after fun(seconds: number, fn: function): any  calls `fn` once, after
---   so many seconds; returns a handle
---@field cancel nil|fun(handle: any)  of `after`; without it `fn` is called in
---   vain

--- Has the program's own loop make the steps of this client's tasks, by one
--- watcher of its descriptor and one timer, which exist only while there are
--- tasks. Without `watch` the timer looks, every few milliseconds. A later call
--- replaces the loop.
---@param loop lipsync.Loop
function Client:drive(loop)
  local runtime = open(self, "drive")
  local own = schema.read(loop_fields, loop or {}, "loop")
  if not own.after or (own.watch == nil) ~= (own.unwatch == nil) then
    misuse.raise("client:drive takes { after = …, cancel = …, watch = …, "
      .. "unwatch = … }: after is needed, and watch and unwatch go together")
  end
  self.loop = own
  runtime.scheduler:drive()
end

--- The number of tasks that have not ended; in nginx, of this request.
---@return integer
function Client:pending()
  return open(self, "pending").scheduler:pending()
end

--- Makes steps, and waits in between as the host waits, until no task is left.
--- Raises inside a task, which would wait for itself.
function Client:run()
  local runtime = open(self, "run")
  local tasks = runtime.scheduler
  if tasks.current or native_tasks.is_running(tasks) then
    misuse.raise("client:run() was called by a task, and would wait for it")
  end
  host.check(self, tasks)
  tasks:run()
end

--- Sleeps as the host sleeps: in a task others go on, in a plain script it
--- blocks. Ends at once when its task is canceled or the client is closed.
---@param seconds number  0: lets others run once
---@return boolean|nil  true
---@return lipsync.Error|nil err  of kind `canceled` or `closed`
function Client:sleep(seconds)
  open(self, "sleep")
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    misuse.raise("sleep takes a number of seconds, got "
      .. misuse.show(seconds))
  end
  return sleep.run(self, seconds, "sleep")
end

--- Connects, and pays the first TLS cost, when the host can afford it. Fetches
--- the error catalog, which needs no key. Loads all resources, so that nothing
--- is loaded later.
---@param options lipsync.CallOptions|nil
---@return boolean|nil  true
---@return lipsync.Error|nil err
function Client:warm(options)
  open(self, "warm")
  for _, name in ipairs(later) do operation.load(name) end
  load.module "lipsync.compound.receipt"
  local err = self.errors:_refresh(schema.read(operation.options, options,
    "options"))
  -- Any response at all shows that there is a connection.
  if err and err.kind ~= "api" then return nil, err end
  return true
end

--- Makes one request that this version has no method for. The path follows
--- base_url and begins with "/v2/". A status of 400 or more is an error, as in
--- every call. Never repeated unless the method is GET, HEAD or OPTIONS, or
--- `retry` or `idempotency_key` says so.
---@param method string  GET, HEAD, OPTIONS, POST, PUT, PATCH or DELETE
---@param path string  percent-encoded, without the query
---@param options lipsync.RequestOptions|nil
---@return lipsync.Response|nil
---@return lipsync.Error|nil err
function Client:request(method, path, options)
  open(self, "request")
  return request.run(self, method, path, options)
end

--- Closes every connection. Pending calls end with an error of kind `closed`;
--- later calls raise. Idempotent.
function Client:close()
  misuse.self(self, Client, "client:close()")
  if self.closed then return end
  self.closed = true
  local runtime = self.current
  runtime.waiters:closing()
  runtime.session:close()
  abandoned.remove(runtime.session)
  self.make_session = nil
  runtime.scheduler:close()
end

Client.__close = Client.close

-- Raises, because an option that is set later would have no effect.
function Client:__newindex(name, value)
  if fields[name] then
    misuse.raise(("%s is an option of lipsync.new, and cannot be set later")
      :format(name))
  end
  rawset(self, name, value)
end

function Client:__tostring()
  return ("lipsync client for %s%s"):format(self.known.host,
    self.closed and " (closed)" or "")
end

-- What a program may use.
local members = { generations = true, errors = true }
for _, name in ipairs(later) do members[name] = true end
for _, name in ipairs { "close", "drive", "fd", "pending", "request", "run",
                        "sleep", "spawn", "step", "timeout", "warm" } do
  members[name] = true
end

Client.__pairs = shown.pairs(members)

return client
