-- SPDX-License-Identifier: MIT
-- The sentences of errors:
--   <the action>: <what happened>. <what to do>. [<attempts, seconds>]
-- One line, without key and query string, with the service's own words if it
-- sent any. Pure: uses an error's fields and facts about its call.

local texts = require "lipsync.base.text"

local cut, trim = texts.cut, texts.trim

local message = {}

-- The usual reason phrases, because that of the response is not kept.
local phrases = {
  [400] = "Bad Request", [401] = "Unauthorized", [402] = "Payment Required",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [407] = "Proxy Authentication Required",
  [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone",
  [413] = "Content Too Large", [422] = "Unprocessable Content",
  [429] = "Too Many Requests", [500] = "Internal Server Error",
  [501] = "Not Implemented", [502] = "Bad Gateway",
  [503] = "Service Unavailable", [504] = "Gateway Timeout",
}

message.no_key = "no API key"
message.closed = "the client was closed"
message.canceled = "the call was canceled"
message.listing_closed = "the listing was closed"

local advice = {
  no_key = 'Pass lipsync.new { api_key = "…" } or set SYNC_API_KEY (nginx '
    .. 'workers see it only with "env SYNC_API_KEY;" in nginx.conf)',
  resume = "A listing in one answer cannot be resumed; "
    .. "with page_size = 100 it is",
}

-- Ends a sentence, unless it has an end already.
local function stop(text)
  return text:match "[.?!…]$" and text or text .. "."
end

--- The usual phrase of a status.
---@param status integer|nil
---@return string
function message.phrase(status)
  local is_server = status and status >= 500
  return phrases[status] or (is_server and "server error" or "refused")
end

-- `n` with at most so many decimals: no trailing zeros, no locale's comma.
local function decimals(n, places)
  local scale = 10 ^ places
  local scaled = math.floor(n * scale + 0.5)
  local whole = math.floor(scaled / scale)
  local rest = ("%0" .. places .. "d"):format(scaled - whole * scale)
  rest = rest:gsub("0+$", "")
  return ("%d"):format(whole) .. (rest == "" and "" or "." .. rest)
end

--- A duration for a reader: "0.25", "9.2", "131".
---@param seconds number
---@return string
function message.seconds(seconds)
  if seconds >= 1e15 then return "many" end
  if seconds < 1 then return decimals(seconds, 2) end
  if seconds < 10 then return decimals(seconds, 1) end
  return ("%d"):format(math.floor(seconds + 0.5))
end

--- "1 attempt", "4 attempts"
---@param n integer
---@param noun string
---@return string
function message.count(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

--- An id or a service's text for use in a sentence: one line, limited length.
---@param text string
---@return string
function message.inline(text)
  text = trim((text:gsub("[" .. texts.control .. "]+", " ")))
  if #text <= 400 then return text end
  return cut(text, 400) .. "…"
end

--- "nothing received for 30 s (stall_timeout)"
---@param raw { limit: number, option: string|nil, sending: boolean|nil }
function message.stalled(raw)
  return ("nothing %s for %s s (%s)"):format(raw.sending and "sent"
    or "received", message.seconds(raw.limit), raw.option or "stall_timeout")
end

--- "60 s have passed (timeout), in attempt 2"
---@param raw { limit: number, attempt: integer|nil, slots: integer|nil,
---   option: string|nil }
function message.deadline(raw)
  local place = ""
  if raw.slots then
    place = (", waiting for one of %s (%s)")
      :format(message.count(raw.slots, "connection"),
        raw.option or "max_in_flight")
  elseif raw.attempt then
    place = (", in attempt %d"):format(raw.attempt)
  end
  return ("%s s have passed (timeout)%s")
    :format(message.seconds(raw.limit), place)
end

--- "after 3620 models"
---@param delivered integer
---@param noun string|nil  what one of them is called
function message.after(delivered, noun)
  return "after " .. message.count(delivered, noun or "object")
end

--- "302 redirect to https://other.example, which is not followed"
---@param raw { status: integer, origin: string|nil }
function message.redirect(raw)
  if not raw.origin then
    return ("%d, a status that this API does not have"):format(raw.status)
  end
  return ("%d redirect to %s, which is not followed"):format(raw.status,
    raw.origin)
end

-- How a body begins, for a reader; nothing of one that was not read, or that is
-- no text.
local function beginning(body)
  if not body then return "" end
  if body == "" then return ", nothing in it" end
  local start = cut(body, 200)
  if start:find "[%z\1-\8\14-\26]" then return "" end
  return (': "%s"'):format(trim(cut(message.inline(start), 30)))
end

--- What came instead of the expected response:
--- `expected a JSON array, got text/html (200): "<html>…"`.
---@param raw { wanted: string, media: string|nil, status: integer,
---   body: string|nil }  `body` is nil if it was not read
---@return string
function message.unexpected(raw)
  local media = (raw.media or "no content type"):match "^[^;]*"
  return ("expected %s, got %s (%d)%s"):format(raw.wanted,
    message.inline(media), raw.status, beginning(raw.body))
end

--- What happened; of a response, status and code come first.
---@param err table  an error object's fields
---@return string
function message.happened(err)
  local text = message.inline(err.message)
  if err.kind ~= "api" then return text end
  local status = err.statusCode and ("%d "):format(err.statusCode) or ""
  if err.errorCode then
    return ("%s%s: %s"):format(status, err.errorCode, text)
  end
  return status .. text
end

local function base_url_right(about)
  return about.base_url and ("Is %s (%s) right?"):format(
    about.base_url_from or "base_url", about.base_url)
end

local function address_from(about)
  return about.base_url_from
    and ("The address comes from %s"):format(about.base_url_from)
end

local function proxy_from(err, about)
  local text = ("The proxy's address comes from %s"):format(
    about.proxy_from or "proxy")
  if (err.proxyStatus or err.statusCode) ~= 407 then return text end
  return text .. "; it has to hold the user and the password: "
    .. "http://user:password@host"
end

local api_advice = {
  [407] = function(err, about) return err.proxy and proxy_from(err, about) end,
  [401] = function(_, about)
    if not about.key_from then return "It was sent without the key" end
    return ("%s does not accept the key %s"):format(about.host or "The service",
      about.key_from == "api_key" and "given as api_key"
      or "from " .. about.key_from)
  end,
  [404] = function(_, about)
    return not about.json and base_url_right(about)
  end,
}

-- The advice in the operation's row: about what the service says, or the
-- storage that the row is for.
local function row_advice(err, about)
  local rows = (about.json or about.is_foreign) and about.advice
  return rows and (rows[err.errorCode] or rows[err.statusCode])
end

-- Reasons on this side, with which the address has nothing to do.
local own_lack = { descriptors = true, thread = true }

-- What to do about a certificate that other certificates would not mend.
local function other_fault(err, about)
  local text = err.message
  if text:find "expired" or text:find "not yet valid" then
    return ("It is %s by the clock of this machine; where that is right, the "
      .. "server needs a new certificate"):format(os.date "!%Y-%m-%d")
  elseif text:find "host name" or text:find "hostname" then
    return "It is another host's. " .. (base_url_right(about)
      or "Is the address right?")
  end
  return nil
end

-- A waiter of the program's own is to blame, and not the network.
local function waiter_fault(about)
  return about.late and ("The function given as host let %s s pass without "
    .. "client:step(), which it must call when client:fd() can be read and "
    .. "after client:timeout() seconds"):format(message.seconds(about.late))
end

local by_kind = {
  api = function(err, about)
    local own = not about.is_foreign and api_advice[err.statusCode]
    local what = err.suggestion or row_advice(err, about)
      or own and own(err, about)
    if not what or not about.unknown then return what or about.unknown end
    return stop(what) .. " " .. about.unknown
  end,
  connection = function(err, about)
    if about.broken then return advice.resume end
    if own_lack[about.reason] then return about.unknown end
    return about.unknown
      or (err.proxy and proxy_from(err, about) or address_from(about))
  end,
  timeout = function(err, about)
    local fault = waiter_fault(about)
    if fault then
      return (about.unknown and stop(about.unknown) .. " " or "") .. fault
    end
    if about.broken then return advice.resume end
    return about.unknown or err.proxy and proxy_from(err, about)
      or about.reason == "connect" and address_from(about)
  end,
  tls = function(err, about)
    if about.reason == "handshake" then return nil end
    local other = other_fault(err, about)
    if other then return other end
    return (about.ca_file
        and ("Certificates are looked for in %s; "):format(about.ca_file)
        or "")
      .. (about.ca_file and "set" or "Set")
      .. " ca_file or install ca-certificates"
  end,
  protocol = function(_, about)
    -- The response came from something else than the service.
    local foreign = about.foreign or about.reason == "redirect"
    local right = foreign and base_url_right(about)
    if not right or not about.unknown then return right or about.unknown end
    return about.unknown .. ". " .. right
  end,
  invalid = function(_, about)
    if about.reason == "proxy" then
      return ("It comes from %s"):format(about.proxy_from or "proxy")
    end
    return about.reason == "no_key" and advice.no_key
  end,
}

-- Attempts and seconds, with the wait that the service asks for. A long poll
-- asks for one with every answer, also where no later attempt ends otherwise.
local function effort(err)
  local asked = err.retryable and err.retryAfter and
    ("the service asks for a wait of %s s"):format(
      message.seconds(err.retryAfter))
  local tries = err.attempts and err.attempts > 1 and ("%s in %s s"):format(
    message.count(err.attempts, "attempt"), message.seconds(err.seconds))
  if err.kind == "tls" then return "Not retried" end
  if err.kind ~= "api" then return tries or nil end
  -- No attempt changes such a response, so nothing was given up.
  if tries and err.retryable then tries = "Gave up after " .. tries end
  if tries and asked then return tries .. "; " .. asked end
  if tries then return tries end
  return asked and asked:gsub("^t", "T")
end

--- The whole sentence.
---@param err table  an error object's fields
---@param about table  of its call: action, host, base_url, base_url_from,
---   key_from, proxy_from, ca_file, advice and unknown of its row, broken,
---   reason, json, foreign
---@return string
function message.sentence(err, about)
  local own = by_kind[err.kind]
  local what_to_do = own and own(err, about) or about.unknown
  local parts = { stop(message.happened(err)) }
  local tries = effort(err)
  -- Without a response, the number of attempts explains the advice.
  local first, second = tries, what_to_do
  if err.kind == "api" then first, second = what_to_do, tries end
  if first then parts[#parts + 1] = stop(message.inline(first)) end
  if second then parts[#parts + 1] = stop(message.inline(second)) end
  local text = table.concat(parts, " ")
  return about.action and about.action .. ": " .. text or text
end

return message
