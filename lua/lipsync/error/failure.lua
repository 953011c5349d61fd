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
  cause = function(raw) return (raw.detail:gsub("^.-: ", "", 1)) end,
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

-- code = { kind, reason, words, the wrong option }. The words are a text or a
-- function of the raw failure; `whole`: the text has no placeholders.
local words = {
  -- connecting
  connect_timeout = { "timeout", "connect",
    "no connection to {host} in time (connect_timeout)" },
  resolve = { "connection", "resolve", "cannot resolve {name}" },
  connect = { "connection", "connect", function(raw)
    return "cannot connect to {host}" .. (raw.os_error and ": {os}" or "")
  end },
  descriptors = { "connection", "descriptors",
    "no connection to {host} could be made: too many open files" },
  thread = { "connection", "thread",
    "cannot resolve {name}: no thread could be started" },
  proxy_resolve = { "connection", "proxy", "cannot resolve the proxy {proxy}" },
  proxy_connect = { "connection", "proxy", function(raw)
    return "cannot connect to the proxy {proxy}"
      .. (raw.os_error and ": {os}" or "")
  end },
  proxy_timeout = { "timeout", "proxy", "no connection to {host} through the "
    .. "proxy {proxy} in time (connect_timeout)" },
  proxy_refused = { "connection", "proxy",
    "the proxy {proxy} answers {answer}, and does not connect to {host}" },
  proxy = { "connection", "proxy", "the proxy {proxy} failed: {detail}" },
  certificate = { "tls", "certificate",
    "the certificate of {host} cannot be verified: {cause}" },
  handshake = { "tls", "handshake",
    "no TLS connection to {host} could be made: {cause}" },
  ca_file = { "tls", "ca_file",
    "the certificates to verify {host} with cannot be read: {cause}" },
  not_loopback = { "invalid", "loopback",
    "http: is refused for {host}, which is not this machine; "
      .. "allow_http = true allows it", "base_url" },

  media_http = { "invalid", "address",
    "http: is refused for {host}: a file is fetched and sent by https: only, "
      .. "unless the API itself is this machine" },
  media_address = { "invalid", "address", "{host} has an address that is not "
    .. 'public; media_hosts = { "{name}" } allows it', "media_hosts" },

  -- the connection
  send = { "connection", "send",
    "the connection broke while the request was sent" },
  cut = { "connection", "cut", "the connection broke" },
  empty = { "connection", "empty",
    "the connection was closed without an answer" },
  resend = { "connection", "resend",
    "the reused connection was closed without an answer" },
  canceled = { "canceled", "canceled", "canceled" },
  closed = { "closed", "closed", "the client was closed" },
  forked = { "closed", "forked",
    "it was begun before this process was forked" },

  -- clocks
  deadline = { "timeout", "deadline", message.deadline, whole = true },
  stall = { "timeout", "stall", message.stalled, whole = true },

  -- the response
  unexpected = { "protocol", "shape", message.unexpected, whole = true },
  redirect = { "protocol", "redirect", message.redirect, whole = true },
  not_http = { "protocol", "http", "what came is not HTTP: {detail}" },
  interim = { "protocol", "http",
    "the answer ends with status {status}, which is none to end with" },
  headers_limit = { "limit", "headers",
    "the answer has more than 64 KiB of headers" },
  body_limit = { "limit", "max_response", too_long },
  encoding = { "protocol", "encoding",
    'the answer is encoded as "{found}", which was not asked for' },
  gzip = { "protocol", "gzip", "the answer's gzip is damaged" },

  -- the response with a file
  media_range = { "protocol", "range",
    "the server sent other bytes of the file than were asked for" },
  media_changed = { "protocol", "changed",
    "the file is another one each time it is asked for" },
  media_length = { "protocol", "length", "the server does not say how long the "
    .. "file is; allow_unknown_length = true takes it" },
  media_empty = { "protocol", "empty", "the file is empty" },
  media_redirects = { "protocol", "redirects",
    "more than {limit} redirects one after the other" },

  -- JSON
  json_syntax = { "protocol", "json",
    "invalid JSON at byte {position}: {detail}" },
  json_cut = { "protocol", "json", function(raw)
    return raw.offset == 0 and "expected {wanted}, got nothing"
      or "the JSON ends too early, behind byte {offset}"
  end },
  json_shape = { "protocol", "shape", "expected {wanted}, got {found}" },
  json_element = { "protocol", "shape",
    "expected {noun}s, but element {index} of the list is {found}" },
  json_size = { "limit", "max_generation", function(raw)
    return raw.index
      and "{noun} {index} is longer than {limit} bytes (max_generation)"
      or "{detail}"
  end },
  object_size = { "limit", "max_generation",
    "the {noun} is longer than {limit} bytes (max_generation)" },
  json_depth = { "limit", "depth", "{detail}" },
  json_members = { "limit", "members", "{detail}" },
  no_id = { "protocol", "shape", function(raw)
    return raw.index
      and "element {index} of the list is an object without a string id"
      or failure.article(texts.lower(raw.type)) .. " without an id"
  end },
  blank = { "limit", "max_generation",
    "more than {limit} bytes of white space (max_generation)" },

  -- the body of a request
  file_missing = { "file", "missing", "there is no file {file}" },
  file_unreadable = { "file", "unreadable", "{file} cannot be opened: {os}" },
  file_folder = { "file", "folder", "{file} is a folder" },
  file_special = { "file", "special", "{file} is no regular file" },
  file_empty = { "file", "empty", "{file} is empty" },
  file_range = { "file", "range",
    "{file} does not have all of the bytes that were asked for" },
  file_unread = { "file", "unread", "{file} cannot be read any more: {os}" },
  file_shrank = { "invalid", "shrank",
    "{file} became shorter while it was sent" },
  file_changed = { "invalid", "changed",
    "{file} was changed while it was sent" },
  file_unwritten = { "file", "unwritten", "{file} cannot be written: {os}" },
  file_exists = { "file", "exists", "{file} exists already" },
  file_differs = { "file", "exists",
    "{file} exists already, and has another length" },
  file_locked = { "file", "locked", function(raw)
    return "{file} is being written by "
      .. (raw.pid and ("process %d"):format(raw.pid) or "another process")
  end },
  path_nul = { "invalid", "path", "the path has a NUL character" },
  no_folder = { "file", "folder", "{file} is no folder" },
  folder_missing = { "file", "missing", "there is no folder for {file}" },
  part_malformed = { "invalid", "part",
    "a part of the body has a name, a type or a boundary that cannot be sent" },

  -- invalid values of a session or a request
  url_malformed = { "invalid", "base_url", "base_url is not a valid URL",
    "base_url" },
  url_scheme = { "invalid", "base_url", "base_url must begin with https:// "
    .. "(or http:// for this machine)", "base_url" },
  url_user = { "invalid", "base_url",
    "base_url must not hold a user or password", "base_url" },
  url_query = { "invalid", "base_url",
    "base_url must not have a query or fragment", "base_url" },
  url_v2 = { "invalid", "base_url",
    "base_url must not end in /v2: it is added to every path", "base_url" },
  key_line_break = { "invalid", "api_key", "api_key ends in a line break "
    .. '(read from a file? key:match "%S+")', "api_key" },
  key_control = { "invalid", "api_key",
    "api_key holds a space or control character", "api_key" },
  key_not_ascii = { "invalid", "api_key", "api_key holds a character at byte "
    .. "{position} that no key has, perhaps an invisible space or a long dash "
    .. "(was it copied from a document?)", "api_key" },
  agent_malformed = { "invalid", "user_agent",
    "user_agent holds a control character", "user_agent" },
  header_malformed = { "invalid", "headers",
    "headers holds a name or value that cannot be sent", "headers" },
  header_reserved = { "invalid", "headers",
    "headers names one that the client sets itself", "headers" },
  proxy_malformed = { "invalid", "proxy", "the proxy's address is not valid",
    "proxy" },
  origin_malformed = { "invalid", "origin",
    "the address is not https://host or http://host" },
  path_malformed = { "invalid", "path",
    "the path holds a character that must be percent-encoded", "path" },
  path_long = { "invalid", "path", "the path is too long to be sent", "path" },
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
---@return string reason
---@return string message
---@return string|nil field  the wrong option
function failure.describe(raw, host)
  local entry = entry_of(raw)
  local text = entry[3]
  if type(text) == "function" then text = text(raw) end
  if not entry.whole then
    text = text:gsub("{([A-Za-z0-9]+)}", function(name)
      return derived[name] and derived[name](raw, host or "") or raw[name]
    end)
  end
  return entry[1], entry[2], text, entry[4]
end

return failure
