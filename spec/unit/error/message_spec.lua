-- SPDX-License-Identifier: MIT
local message = require "lipsync.error.message"

local function sentence(err, about)
  return message.sentence(err, about or {})
end

describe("message", function()
  it("formats seconds in any locale", function()
    for text, n in pairs { ["0"] = 0, ["0.25"] = 0.25, ["0.96"] = 0.956,
        ["9.2"] = 9.24, ["1"] = 1.04, ["10"] = 10.4, ["131"] = 130.6,
        ["60"] = 60, ["999999999999999"] = 1e15 - 1, ["many"] = 1e15 } do
      assert.equal(text, message.seconds(n))
    end
    assert.equal("many", message.seconds(math.huge))
  end)

  it("keeps a text on one line and short", function()
    assert.equal("a b", message.inline " a\r\n\tb ")
    assert.equal(("x"):rep(400), message.inline(("x"):rep(400)))
    assert.equal(("x"):rep(400) .. "…", message.inline(("x"):rep(401)))
    assert.equal(("ä"):rep(200) .. "…", message.inline(("ä"):rep(1000)))
  end)

  it("gives advice for a missing key", function()
    assert.equal('list generations: no API key. Pass lipsync.new { api_key = '
      .. '"…" } or set SYNC_API_KEY (nginx workers see it only with "env '
      .. 'SYNC_API_KEY;" in nginx.conf).',
      sentence({ kind = "invalid", message = message.no_key },
        { action = "list generations", reason = "no_key" }))
  end)

  it("gives advice for a wrong key by its origin", function()
    local err = { kind = "api", statusCode = 401, message = "Unauthorized",
                  attempts = 1, seconds = 0 }
    assert.equal("list generations: 401 Unauthorized. api.sync.so does not "
      .. "accept the key from SYNC_API_KEY.", sentence(err, {
        action = "list generations", host = "api.sync.so",
        key_from = "SYNC_API_KEY" }))
    assert.match("accept the key given as api_key%.$",
      sentence(err, { host = "x", key_from = "api_key" }))
    assert.match("It was sent without the key%.$", sentence(err, {}))
  end)

  it("gives advice for a missing object", function()
    assert.equal("delete generation 1: 404 generation_not_found: There is "
      .. "none. It was deleted before, or belongs to another organization.",
      sentence({ kind = "api", statusCode = 404, message = "There is none.",
                 errorCode = "generation_not_found" },
        { action = "delete generation 1", json = true, advice = { [404] =
            "It was deleted before, or belongs to another organization" } }))
  end)

  it("gives advice for a running one, with the service's words if any",
     function()
    local err = { kind = "api", statusCode = 409, message = "Busy",
      errorCode = "still_busy" }
    assert.equal("409 still_busy: Busy. It ends by itself.", sentence(err,
      { json = true, advice = { still_busy = "It ends by itself" } }))
    err.suggestion = "Wait."
    assert.match("Busy%. Wait%.$", sentence(err))
  end)

  it("ends with attempts and the requested wait", function()
    local err = { kind = "api", statusCode = 429, message = "Slow down.",
      errorCode = "rate_limit_exceeded", attempts = 4, seconds = 9.2,
      retryAfter = 30, retryable = true }
    assert.equal("429 rate_limit_exceeded: Slow down. Gave up after 4 attempts "
      .. "in 9.2 s; the service asks for a wait of 30 s.", sentence(err))
    assert.match("2 attempts in 1 s%.$", sentence({ kind = "api",
      statusCode = 409, message = "Busy.", attempts = 2, seconds = 1 }))
    assert.equal("400 No id.", sentence { kind = "api", statusCode = 400,
      message = "No id.", attempts = 1, seconds = 1, retryAfter = 2 })
    err.attempts = 1
    assert.match("Slow down%. The service asks for a wait of 30 s%.$",
      sentence(err))
  end)

  it("names the origin of an unreachable address", function()
    assert.equal("list generations: cannot connect to 127.0.0.1:4010: "
      .. "connection refused. 4 attempts in 2.1 s. The address comes from "
      .. "SYNC_BASE_URL.", sentence({ kind = "connection", attempts = 4,
        seconds = 2.1, message = "cannot connect to 127.0.0.1:4010: "
          .. "connection refused" },
        { action = "list generations", base_url_from = "SYNC_BASE_URL" }))
  end)

  it("reports an unknown outcome of a deletion", function()
    assert.equal("delete generation 1: nothing received for 30 s "
      .. "(stall_timeout). 4 attempts in 131 s. The generation may have been "
      .. "deleted.", sentence({ kind = "timeout", attempts = 4, seconds = 131,
        message = message.stalled { limit = 30 } },
        { action = "delete generation 1",
          unknown = "The generation may have been deleted" }))
  end)

  it("reports which way nothing went", function()
    assert.equal("nothing sent for 30 s (stall_timeout)",
      message.stalled { limit = 30, sending = true })
    assert.equal("nothing received for 9 s (answer_timeout)",
      message.stalled { limit = 9, option = "answer_timeout" })
  end)

  it("reports where the deadline passed", function()
    assert.equal("60 s have passed (timeout), in attempt 2",
      message.deadline { limit = 60, attempt = 2 })
    assert.equal("5 s have passed (timeout), waiting for one of 8 connections "
      .. "(max_in_flight)", message.deadline { limit = 5, slots = 8 })
  end)

  it("names the proxy's address, and what is wrong with it", function()
    local from = "The proxy's address comes from https_proxy"
    local about = { proxy_from = "https_proxy", base_url_from = "base_url" }
    local function advice(err, more)
      err.message, err.proxy = "m", err.proxy or "http://p:1"
      local own = {}
      for name, value in pairs(about) do own[name] = value end
      for name, value in pairs(more or {}) do own[name] = value end
      return sentence(err, own):match "^m%. (.*)%.$"
        or sentence(err, own):match "^407 m%. (.*)%.$"
    end
    local password = from .. "; it has to hold the user and the password: "
      .. "http://user:password@host"
    assert.equal(from, advice { kind = "connection" })
    assert.equal(from, advice { kind = "timeout" })
    assert.equal(from, advice { kind = "connection", proxyStatus = 403 })
    assert.equal(password, advice { kind = "connection", proxyStatus = 407 })
    assert.equal(password, advice { kind = "api", statusCode = 407 })
    assert.equal("It comes from https_proxy", advice({ kind = "invalid" },
      { reason = "proxy" }))
    assert.equal("It comes from proxy", sentence({ kind = "invalid",
      message = "m" }, { reason = "proxy" }):match "^m%. (.*)%.$")
    assert.equal("The proxy's address comes from proxy", sentence({
      kind = "connection", message = "m", proxy = "p" }, {})
      :match "^m%. (.*)%.$")
    -- What may have been done comes before.
    assert.equal("It may be gone", advice({ kind = "connection" },
      { unknown = "It may be gone" }))
    assert.equal("It may be gone", advice({ kind = "timeout" },
      { unknown = "It may be gone" }))
  end)

  it("names the address only where it may be to blame", function()
    local function advice(kind, about, status)
      about.base_url_from, about.base_url = "base_url", "https://h"
      return sentence({ kind = kind, message = "m", statusCode = status },
        about):match "m%. (.*)$"
    end
    local from, right = "The address comes from base_url.",
      "Is base_url (https://h) right?"
    assert.equal(from, advice("connection", {}))
    assert.is_nil(advice("connection", { reason = "descriptors" }))
    assert.is_nil(advice("connection", { reason = "thread" }))
    assert.equal("It may be gone.", advice("connection", { reason = "thread",
      unknown = "It may be gone" }))
    assert.is_nil(advice("timeout", {}))
    assert.equal(from, advice("timeout", { reason = "connect" }))
    assert.is_nil(advice("protocol", {}))
    assert.equal(right, advice("protocol", { foreign = true }))
    assert.equal(right, advice("protocol", { reason = "redirect" }))
    assert.equal("It may be gone. " .. right, advice("protocol",
      { foreign = true, unknown = "It may be gone" }))
    assert.equal("It may be gone.", advice("protocol",
      { unknown = "It may be gone" }))
    assert.is_nil(advice("tls", { reason = "handshake" }):match "ca_file")
    assert.equal(right, advice("api", {}, 404))
    assert.is_nil(advice("api", { json = true }, 404))
    assert.is_nil(advice("api", { is_foreign = true }, 404))
    assert.is_nil(advice("api", {}, 403))
    assert.equal("It may be gone.", advice("api",
      { unknown = "It may be gone" }, 500))
    assert.equal(right .. " It may be gone.", advice("api",
      { unknown = "It may be gone" }, 404))
    -- The storage's own words.
    assert.equal("Ask again.", advice("api", { is_foreign = true,
      advice = { [403] = "Ask again" } }, 403))
    assert.is_nil(advice("api", { advice = { [403] = "Ask again" } }, 403))
  end)

  it("blames a waiter of the program's own for a timeout", function()
    local function advice(more)
      more.late = 2.5
      return sentence({ kind = "timeout", message = "m" }, more)
    end
    local fault = "The function given as host let 2.5 s pass without "
      .. "client:step(), which it must call when client:fd() can be read and "
      .. "after client:timeout() seconds."
    assert.equal("m. " .. fault, advice {})
    assert.equal("m. It may be gone. " .. fault,
      advice { unknown = "It may be gone" })
  end)

  it("gives advice for certificate errors", function()
    local err = { kind = "tls", message = "the certificate of api.sync.so "
      .. "cannot be verified: unable to get local issuer certificate" }
    assert.match("certificate%. Not retried%. Certificates are looked for in "
      .. "/x/ca%.pem; set ca_file or install ca%-certificates%.$",
      sentence(err, { ca_file = "/x/ca.pem", reason = "certificate" }))
    assert.match("Not retried%. Set ca_file", sentence(err,
      { reason = "certificate" }))
  end)

  it("explains certificates that others would not mend", function()
    local function of(cause)
      return sentence({ kind = "tls", message = "the certificate of api.sync.so"
        .. " cannot be verified: " .. cause },
        { ca_file = "/x/ca.pem", reason = "certificate",
          base_url = "https://h" })
    end
    for _, cause in ipairs { "certificate has expired",
                             "certificate is not yet valid" } do
      local text = of(cause)
      assert.match("verified: " .. cause .. ". Not retried. It is "
        .. os.date "!%Y-%m-%d" .. " by the clock", text, 1, true)
      assert.is_nil(text:find("ca_file", 1, true))
    end
    for _, cause in ipairs {
        "no alternative certificate subject name matches target host name 'h'",
        "certificate subject name 'x' does not match target hostname 'h'" } do
      local text = of(cause)
      assert.match("another host's. Is base_url (https://h) right?", text, 1,
        true)
      assert.is_nil(text:find("ca_file", 1, true))
    end
  end)

  it("shows what answered instead of the service", function()
    local text = message.unexpected { wanted = "a JSON array", status = 200,
      media = "text/html; charset=x",
      body = "<html><head><title>Sign in to the proxy" }
    assert.equal('list generations: expected a JSON array, got text/html '
      .. '(200): "<html><head><title>Sign in to". Is base_url '
      .. "(https://proxy.example) right?", sentence(
        { kind = "protocol", message = text },
        { action = "list generations", foreign = true,
          base_url = "https://proxy.example" }))
  end)

  it("shows no beginning that is no text", function()
    local function shown(body)
      return message.unexpected { wanted = "w", status = 200, media = "m",
                                  body = body }
    end
    local start = 'expected w, got m (200): "' .. ("x"):rep(30) .. '"'
    assert.equal("expected w, got m (200)", shown(("x"):rep(199) .. "\1"))
    assert.equal(start, shown(("x"):rep(200) .. "\1"))
    assert.equal(start, shown(("x"):rep(31)))
  end)

  it("says where a redirect leads, if it does", function()
    assert.equal("302 redirect to https://h, which is not followed",
      message.redirect { status = 302, origin = "https://h" })
    assert.equal("304, a status that this API does not have",
      message.redirect { status = 304 })
  end)

  it("explains the advice by the attempts where no response came", function()
    local err = { message = "m", attempts = 4, seconds = 2, retryable = true }
    local about = { unknown = "It may be gone" }
    err.kind = "connection"
    assert.equal("m. 4 attempts in 2 s. It may be gone.", sentence(err, about))
    err.kind = "api"
    assert.equal("m. It may be gone. Gave up after 4 attempts in 2 s.",
      sentence(err, about))
  end)

  it("gives advice for resuming a broken listing", function()
    assert.equal("list generations: the connection broke after 3620 "
      .. "generations. A listing in one answer cannot be resumed; with "
      .. "page_size = 100 it is.", sentence({ kind = "connection",
        message = "the connection broke "
          .. message.after(3620, "generation"),
        delivered = 3620, attempts = 1 },
        { action = "list generations", broken = true }))
    assert.equal("after 1 object", message.after(1))
  end)

  it("has a phrase for every status", function()
    for status, phrase in pairs {
        [400] = "Bad Request", [401] = "Unauthorized",
        [402] = "Payment Required", [403] = "Forbidden", [404] = "Not Found",
        [405] = "Method Not Allowed", [406] = "refused",
        [407] = "Proxy Authentication Required", [408] = "Request Timeout",
        [409] = "Conflict", [410] = "Gone", [413] = "Content Too Large",
        [422] = "Unprocessable Content", [429] = "Too Many Requests",
        [499] = "refused", [500] = "Internal Server Error",
        [501] = "Not Implemented", [502] = "Bad Gateway",
        [503] = "Service Unavailable", [504] = "Gateway Timeout",
        [505] = "server error" } do
      assert.equal(phrase, message.phrase(status))
    end
    assert.equal("server error", message.phrase(599))
    assert.equal("refused", message.phrase(418))
  end)
end)
