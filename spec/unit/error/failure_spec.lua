-- SPDX-License-Identifier: MIT

local failure = require "lipsync.error.failure"

local function sentence(raw, host)
  return (select(2, failure.describe(raw, host)))
end

-- The codes in a file of the core, found by `pattern`.
local function codes(path, pattern)
  local found = {}
  for line in io.lines(path) do
    for code in line:gmatch(pattern) do found[#found + 1] = code end
  end
  return found
end

-- The kind of each code that the library itself makes.
local of_code = {
  cut = "connection", deadline = "timeout", encoding = "protocol",
  file_changed = "invalid", file_differs = "file", file_exists = "file",
  file_folder = "file", file_locked = "file", file_special = "file",
  file_unwritten = "file", folder_missing = "file", forked = "closed",
  media_changed = "protocol",
  media_empty = "protocol", media_length = "protocol", media_range = "protocol",
  media_redirects = "protocol", no_folder = "file", object_size = "limit",
  path_nul = "invalid", redirect = "protocol", stall = "timeout",
  unexpected = "protocol",
}

-- Those that docs/errors.md lists, but for api, which a response has.
local kinds = { timeout = true, connection = true, tls = true, protocol = true,
                limit = true, invalid = true, canceled = true, closed = true,
                file = true }

describe("failure.describe", function()
  it("has words for each code of the core", function()
    local all = codes("src/http/failure.c", '%] = "([%l%d_]+)"')
    for _, each in ipairs {
        codes("src/http/failure.c", 'error_push%(L, "([%l_]+)"'),
        codes("src/http/luabody.c", '%] = "([%l_]+)"'),
        codes("src/core/error.c", 'return "([%l_]+)"') } do
      for _, code in ipairs(each) do all[#all + 1] = code end
    end
    assert.is_true(#all > 40, #all)
    for _, code in ipairs(all) do
      local kind, text = failure.describe({ code = code, detail = "d",
        offset = 0, index = 1, limit = 2, found = "f", type = "Generation",
        os_error = 1, status = 101, proxy = "http://p:1", proxy_status = 407 },
        "host:1")
      assert.is_true(kinds[kind], code)
      assert.is_nil(text:find "{%w", code)
    end
  end)

  it("has a kind for each code of the client", function()
    for code, kind in pairs(of_code) do
      local said, text = failure.describe({ code = code, limit = 1, found = "f",
        noun = "n", wanted = "w", status = 302, body = "b", os_error = 1 }, "h")
      assert.equal(kind, said, code)
      assert.is_nil(text:find "{%w", code)
    end
  end)

  it("takes a lack of descriptors for what it is", function()
    assert.is_true(failure.lacks_descriptors { code = "descriptors" })
    assert.is_true(failure.lacks_descriptors { code = "connect",
                                               os_name = "ENFILE" })
    for _, raw in ipairs { { code = "connect", os_name = "EACCES" },
        { code = "file_unreadable", os_name = "EMFILE" },
        { code = "connect" } } do
      assert.is_false(failure.lacks_descriptors(raw))
    end
    for _, code in ipairs { "connect", "proxy_connect" } do
      local kind, text, _, reason = failure.describe({ code = code,
        os_error = 24, os_name = "EMFILE", proxy = "http://p" }, "api:8")
      assert.same({ "connection", "descriptors" }, { kind, reason })
      assert.equal("no connection to api:8 could be made: too many open files",
        text)
    end
  end)

  it("names the host; for a look-up, without its port", function()
    assert.equal("cannot connect to api:8: connection refused",
      sentence({ code = "connect", os_error = 111, os_name = "ECONNREFUSED" },
        "api:8"))
    assert.equal("cannot connect to [::1]:8: system error 95",
      sentence({ code = "connect", os_error = 95 }, "[::1]:8"))
    assert.equal("cannot connect to api", sentence({ code = "connect" }, "api"))
    assert.equal("cannot resolve api", sentence({ code = "resolve" }, "api:8"))
    assert.equal("cannot resolve [::1]",
      sentence({ code = "resolve" }, "[::1]"))
    assert.equal("the connection broke", sentence { code = "cut" })
  end)

  it("names a proxy, with its scheme where it is not http:", function()
    assert.equal("cannot resolve the proxy p:1",
      sentence { code = "proxy_resolve", proxy = "http://p:1" })
    assert.equal("cannot connect to the proxy socks5://p:1: connection refused",
      sentence { code = "proxy_connect", proxy = "socks5://p:1",
                 os_error = 111, os_name = "ECONNREFUSED" })
    assert.equal("the proxy p:1 answers 418 refused, and does not connect to "
      .. "api:8", sentence({ code = "proxy_refused", proxy = "http://p:1",
                             proxy_status = 418 }, "api:8"))
  end)

  it("does not repeat libcurl's prefix", function()
    assert.equal("the certificate of api cannot be verified: has expired",
      sentence({ code = "certificate",
        detail = "SSL certificate problem: has expired" }, "api"))
    assert.equal("no TLS connection to api could be made: %1",
      sentence({ code = "handshake", detail = "%1" }, "api"))
    assert.equal("what came is not HTTP: a: {host}",
      sentence({ code = "not_http", detail = "a: {host}" }, "api"))
  end)

  it("reports what JSON was expected, and the position", function()
    assert.equal("expected a JSON array, got an object", sentence {
      code = "json_shape", wanted = "array", found = "an object" })
    assert.equal("expected a generation (a JSON object), got nothing",
      sentence { code = "json_cut", wanted = "object", offset = 0,
                 type = "Generation" })
    assert.equal("the JSON ends too early, behind byte 11", sentence {
      code = "json_cut", wanted = "array", offset = 11 })
    assert.equal("invalid JSON at byte 4294967297: no value", sentence {
      code = "json_syntax", offset = 4294967296, detail = "no value" })
    assert.equal("expected assets, but element 2 of the list is a number",
      sentence { code = "json_element", type = "Asset", index = 2,
                 found = "a number" })
    assert.equal("generation 1 is longer than 4000 bytes (max_generation)",
      sentence { code = "json_size", type = "Generation", index = 1,
                 limit = 4000 })
    assert.equal("an asset without an id",
      sentence { code = "no_id", type = "Asset" })
  end)

  it("names the file, if it has a name", function()
    assert.equal('"a/b" cannot be opened: permission denied', sentence {
      code = "file_unreadable", path = "a/b", os_error = 13,
      os_name = "EACCES" })
    assert.equal("the file became shorter while it was sent",
      sentence { code = "file_shrank", index = 1 })
  end)

  it("names the wrong option of each kind", function()
    for code, field in pairs { url_malformed = "base_url",
        url_scheme = "base_url", url_user = "base_url", url_query = "base_url",
        url_v2 = "base_url", key_line_break = "api_key",
        key_control = "api_key", key_not_ascii = "api_key",
        agent_malformed = "user_agent", header_malformed = "headers",
        header_reserved = "headers", proxy_malformed = "proxy",
        path_malformed = "path", path_long = "path", not_loopback = "base_url",
        media_address = "media_hosts" } do
      local kind, _, named = failure.describe({ code = code, offset = 1 }, "h")
      assert.same({ "invalid", field }, { kind, named }, code)
    end
  end)

  it("says what its advice is about", function()
    for code, reason in pairs { connect_timeout = "connect", thread = "thread",
        descriptors = "descriptors", handshake = "handshake",
        redirect = "redirect", proxy_malformed = "proxy" } do
      local named = select(4, failure.describe({ code = code, detail = "d",
        status = 302 }, "h"))
      assert.equal(reason, named)
    end
    assert.is_nil(select(4, failure.describe({ code = "cut" }, "h")))
  end)

  it("leaves what a server has sent as it is", function()
    assert.equal('expected w, got {host} (200): "{host}"', sentence({
      code = "unexpected", wanted = "w", media = "{host}", status = 200,
      body = "{host}" }, "h"))
    assert.equal("302 redirect to https://{host}, which is not followed",
      sentence({ code = "redirect", status = 302, origin = "https://{host}" },
        "h"))
    assert.equal("canceled", sentence { code = "canceled" })
  end)

  it("names the wrong option", function()
    assert.same({ "invalid", "api_key holds a space or control character",
        "api_key" }, { failure.describe { code = "key_control" } })
    assert.equal("base_url",
      (select(3, failure.describe({ code = "not_loopback" }, "h"))))
  end)
end)
