-- SPDX-License-Identifier: MIT
-- Words for raw failures. A raw failure is a table with a `code` and its data,
-- from the C libraries or an attempt. Each code has a kind, a reason and a
-- sentence. Pure.

local message = require "lipsync.error.message"
local texts = require "lipsync.base.text"

local failure = {}

-- Phrases for errors of the operating system.
local os_errors = {
  ECONNREFUSED = "connection refused", ECONNRESET = "connection reset",
  ETIMEDOUT = "connection timed out", ENETUNREACH = "network unreachable",
  EHOSTUNREACH = "host unreachable", EADDRNOTAVAIL = "no local address left",
  EACCES = "permission denied", EMFILE = "too many open files",
  ENFILE = "too many open files", EIO = "input/output error",
  ENOSPC = "no space left on the disk", EDQUOT = "disk quota exceeded",
  EFBIG = "too large a file", EROFS = "read-only file system",
  EPERM = "not permitted", ENAMETOOLONG = "the name is too long",
}

local wanted = { value = "a JSON value", array = "a JSON array",
                 lines = "lines of JSON objects" }

-- The placeholders {name} that are not just the field of that name.
local derived = {
  host = function(_, host) return host end,
  -- the host without its port, as it was looked up
  name = function(_, host) return (host:gsub(":%d+$", "")) end,
  -- libcurl's text without its prefix ("SSL certificate problem: …"), which
  -- would repeat the sentence
  cause = function(raw) return (raw.detail:gsub("^.-: ", "")) end,
  os = function(raw)
    return os_errors[raw.os_name]
      or ("system error %d"):format(raw.os_error)
  end,
  proxy = function(raw) return (raw.proxy:gsub("^http://", "")) end,
  answer = function(raw)
    return ("%d %s"):format(raw.proxy_status, message.phrase(raw.proxy_status))
  end,
  file = function(raw)
    return raw.path and ('"%s"'):format(raw.path) or "the file"
  end,
  noun = function(raw) return raw.noun or texts.lower(raw.type) end,
  wanted = function(raw)
    return wanted[raw.wanted]
      or failure.article(texts.lower(raw.type)) .. " (a JSON object)"
  end,
  position = function(raw) return ("%.0f"):format(raw.offset + 1) end,
  offset = function(raw) return ("%.0f"):format(raw.offset) end,
  index = function(raw) return ("%.0f"):format(raw.index) end,
  limit = function(raw) return ("%.0f"):format(raw.limit) end,
}

local too_long = "the answer is too long (max_response)"

-- code = { kind, words }. The words are a text or a function of the raw
-- failure. `whole`: the text has no placeholders; `field`: the wrong option;
-- `reason`: for the advice of message.lua.
local words = {
  -- connecting
  connect_timeout = { "timeout",
    "no connection to {host} in time (connect_timeout)", reason = "connect" },
  resolve = { "connection", "cannot resolve {name}" },
  connect = { "connection", function(raw)
    return "cannot connect to {host}" .. (raw.os_error and ": {os}" or "")
  end },
  descriptors = { "connection",
    "no connection to {host} could be made: too many open files",
    reason = "descriptors" },
  thread = { "connection",
    "cannot resolve {name}: no thread could be started", reason = "thread" },
  proxy_resolve = { "connection", "cannot resolve the proxy {proxy}" },
  proxy_connect = { "connection", function(raw)
    return "cannot connect to the proxy {proxy}"
      .. (raw.os_error and ": {os}" or "")
  end },
  proxy_timeout = { "timeout", "no connection to {host} through the proxy "
    .. "{proxy} in time (connect_timeout)" },
  proxy_refused = { "connection",
    "the proxy {proxy} answers {answer}, and does not connect to {host}" },
  proxy = { "connection", "the proxy {proxy} failed: {detail}" },
  certificate = { "tls",
    "the certificate of {host} cannot be verified: {cause}" },
  handshake = { "tls",
    "no TLS connection to {host} could be made: {cause}",
    reason = "handshake" },
  ca_file = { "tls",
    "the certificates to verify {host} with cannot be read: {cause}" },
  not_loopback = { "invalid",
    "http: is refused for {host}, which is not this machine; "
      .. "allow_http = true allows it", field = "base_url" },

  media_http = { "invalid",
    "http: is refused for {host}: a file is fetched and sent by https: only, "
      .. "unless the API itself is this machine" },
  media_address = { "invalid", "{host} has an address that is not "
    .. 'public; media_hosts = { "{name}" } allows it', field = "media_hosts" },

  -- the connection
  send = { "connection", "the connection broke while the request was sent" },
  cut = { "connection", "the connection broke" },
  empty = { "connection", "the connection was closed without an answer" },
  resend = { "connection",
    "the reused connection was closed without an answer" },
  canceled = { "canceled", "canceled" },
  closed = { "closed", "the client was closed" },
  forked = { "closed", "it was begun before this process was forked" },

  -- clocks
  deadline = { "timeout", message.deadline },
  stall = { "timeout", message.stalled },

  -- the response
  unexpected = { "protocol", message.unexpected, whole = true },
  redirect = { "protocol", message.redirect, whole = true,
               reason = "redirect" },
  not_http = { "protocol", "what came is not HTTP: {detail}" },
  interim = { "protocol",
    "the answer ends with status {status}, which is none to end with" },
  headers_limit = { "limit", "the answer has more than 64 KiB of headers" },
  body_limit = { "limit", too_long },
  encoding = { "protocol",
    'the answer is encoded as "{found}", which was not asked for' },
  gzip = { "protocol", "the answer's gzip is damaged" },

  -- the response with a file
  media_range = { "protocol",
    "the server sent other bytes of the file than were asked for" },
  media_changed = { "protocol",
    "the file is another one each time it is asked for" },
  media_length = { "protocol", "the server does not say how long the "
    .. "file is; allow_unknown_length = true takes it" },
  media_empty = { "protocol", "the file is empty" },
  media_redirects = { "protocol",
    "more than {limit} redirects one after the other" },

  -- JSON
  json_syntax = { "protocol", "invalid JSON at byte {position}: {detail}" },
  json_cut = { "protocol", function(raw)
    return raw.offset == 0 and "expected {wanted}, got nothing"
      or "the JSON ends too early, behind byte {offset}"
  end },
  json_shape = { "protocol", "expected {wanted}, got {found}" },
  json_element = { "protocol",
    "expected {noun}s, but element {index} of the list is {found}" },
  json_size = { "limit", function(raw)
    return raw.index
      and "{noun} {index} is longer than {limit} bytes (max_generation)"
      or "{detail}"
  end },
  object_size = { "limit",
    "the {noun} is longer than {limit} bytes (max_generation)" },
  json_depth = { "limit", "{detail}" },
  json_members = { "limit", "{detail}" },
  no_id = { "protocol", function(raw)
    return raw.index
      and "element {index} of the list is an object without a string id"
      or failure.article(texts.lower(raw.type)) .. " without an id"
  end },
  blank = { "limit",
    "more than {limit} bytes of white space (max_generation)" },

  -- the body of a request
  file_missing = { "file", "there is no file {file}" },
  file_unreadable = { "file", "{file} cannot be opened: {os}" },
  file_folder = { "file", "{file} is a folder" },
  file_special = { "file", "{file} is no regular file" },
  file_empty = { "file", "{file} is empty" },
  file_range = { "file",
    "{file} does not have all of the bytes that were asked for" },
  file_unread = { "file", "{file} cannot be read any more: {os}" },
  file_shrank = { "invalid", "{file} became shorter while it was sent" },
  file_changed = { "invalid", "{file} was changed while it was sent" },
  file_unwritten = { "file", "{file} cannot be written: {os}" },
  file_exists = { "file", "{file} exists already" },
  file_differs = { "file", "{file} exists already, and has another length" },
  file_locked = { "file", function(raw)
    return "{file} is being written by "
      .. (raw.pid and ("process %d"):format(raw.pid) or "another process")
  end },
  path_nul = { "invalid", "the path has a NUL character" },
  no_folder = { "file", "{file} is no folder" },
  folder_missing = { "file", "there is no folder for {file}" },
  part_malformed = { "invalid",
    "a part of the body has a name, a type or a boundary that cannot be sent" },

  -- invalid values of a session or a request
  url_malformed = { "invalid", "base_url is not a valid URL",
    field = "base_url" },
  url_scheme = { "invalid", "base_url must begin with https:// "
    .. "(or http:// for this machine)", field = "base_url" },
  url_user = { "invalid",
    "base_url must not hold a user or password", field = "base_url" },
  url_query = { "invalid",
    "base_url must not have a query or fragment", field = "base_url" },
  url_v2 = { "invalid",
    "base_url must not end in /v2: it is added to every path",
    field = "base_url" },
  key_line_break = { "invalid", "api_key ends in a line break "
    .. '(read from a file? key:match "%S+")', field = "api_key" },
  key_control = { "invalid",
    "api_key holds a space or control character", field = "api_key" },
  key_not_ascii = { "invalid", "api_key holds a character at byte "
    .. "{position} that no key has, perhaps an invisible space or a long dash "
    .. "(was it copied from a document?)", field = "api_key" },
  agent_malformed = { "invalid",
    "user_agent holds a control character", field = "user_agent" },
  header_malformed = { "invalid",
    "headers holds a name or value that cannot be sent", field = "headers" },
  header_reserved = { "invalid",
    "headers names one that the client sets itself", field = "headers" },
  proxy_malformed = { "invalid", "the proxy's address is not valid",
    field = "proxy", reason = "proxy" },
  origin_malformed = { "invalid",
    "the address is not https://host or http://host" },
  path_malformed = { "invalid",
    "the path holds a character that must be percent-encoded", field = "path" },
  path_long = { "invalid", "the path is too long to be sent", field = "path" },
}

--- "a model", "an asset"
---@param noun string
---@return string
function failure.article(noun)
  return (noun:find "^[aeio]" and "an " or "a ") .. noun
end

local connecting = { connect = true, proxy_connect = true }
local few = { EMFILE = true, ENFILE = true }

--- Whether a connection failed for want of descriptors, which says nothing of
--- the address.
---@param raw table
---@return boolean
function failure.lacks_descriptors(raw)
  return raw.code == "descriptors"
    or connecting[raw.code] == true and few[raw.os_name] == true
end

local function entry_of(raw)
  return words[failure.lacks_descriptors(raw) and "descriptors" or raw.code]
end

--- The words for a raw failure.
---@param raw table  code, and the data that belongs to it: detail, os_error,
---   os_name, index, offset, found, limit, wanted, type
---@param host string|nil  the server's host, with its port
---@return string kind
---@return string message
---@return string|nil field  the wrong option
---@return string|nil reason  for its advice, see message.lua
function failure.describe(raw, host)
  local entry = entry_of(raw)
  local text = entry[2]
  if type(text) == "function" then text = text(raw) end
  if not entry.whole then
    text = text:gsub("{([A-Za-z0-9]+)}", function(name)
      return derived[name] and derived[name](raw, host or "") or raw[name]
    end)
  end
  return entry[1], text, entry.field, entry.reason
end

return failure
