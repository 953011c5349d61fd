-- SPDX-License-Identifier: MIT
-- Where key and address come from. As a program, and from standard input:
-- spec/command/list_spec.lua.

local core = require "lipsync.core"
local launch = require "spec.support.launch"
local profile = require "lipsync.cli.profile"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"

local service = "https://service"

-- What the system calls it, in the language of the locale.
local no_file = select(2, io.open "/none/none"):match ": (.*)$"

describe("a profile", function()
  local folder, file, env
  local getenv = core.getenv

  before_each(function()
    folder = launch.folder()
    file = folder .. "/lipsync/profiles"
    os.execute("mkdir " .. folder .. "/lipsync")
    env = { XDG_CONFIG_HOME = folder, HOME = "/none" }
    function core.getenv(name) return env[name] end
  end)
  after_each(function()
    core.getenv = getenv
    launch.remove(folder)
  end)

  local function write(text, mode)
    launch.write(file, text)
    os.execute(("chmod %s %s"):format(mode or "600", launch.quote(file)))
  end

  local function options(given)
    return profile.options(given, service)
  end

  -- The sentence in place of options.
  local function refusal(given)
    local ok, stop = pcall(options, given)
    assert.is_false(ok)
    assert.is_true(status.is_stop(stop), tostring(stop))
    assert.equal(1, stop.status)
    return stop.message
  end

  it("is in the file of the user's configuration", function()
    assert.equal(file, profile.path())
    env.XDG_CONFIG_HOME = ""
    assert.equal("/none/.config/lipsync/profiles", profile.path())
    assert.equal(("/none/.config/lipsync/profiles cannot be read: %s.")
      :format(no_file), refusal { profile = "a" })
    env.HOME = nil
    assert.is_nil(profile.path())
    assert.equal("a profile is in $HOME/.config/lipsync, and HOME is not set.",
      refusal { profile = "a" })
  end)

  it("has four options, and where each comes from", function()
    write("# a comment\n; another\n\n[a]\napi_key = k 1\nbase_url=https://a\n"
      .. " ca_file\t=\t/x y \r\nproxy =\n[ b b ]\nbase_url = https://b\n[c]\n"
      .. "api_key = c")
    local own, origins = options { profile = "a" }
    assert.same({ api_key = "k 1", base_url = "https://a", ca_file = "/x y",
                  proxy = "" }, own)
    assert.same({ api_key = 'api_key of the profile "a"',
      base_url = 'base_url of the profile "a"',
      ca_file = 'ca_file of the profile "a"',
      proxy = 'proxy of the profile "a"' }, origins)
    assert.same({ api_key = "c", base_url = service },
      (options { profile = "c" }))
    assert.equal('the profile "b b" has no api_key.',
      refusal { profile = "b b" })
    assert.equal(('there is no profile "d" in %s; it has a, b b, c.'):format(
      file), refusal { profile = "d" })
    write ""
    assert.equal(('there is no profile "d" in %s; it has none.'):format(file),
      refusal { profile = "d" })
  end)

  it("has no other lines", function()
    for text, line in pairs { ["api_key = k\n[a]"] = 1, ["[a]\nkey = k"] = 2,
        ["[a]\n\napi_key k"] = 3, ["[a"] = 1, ["[a] b"] = 1, ["x [a]"] = 1 } do
      write(text)
      assert.equal(('%s, line %d: expected [NAME], or one of api_key, '
        .. 'base_url, ca_file, proxy and "="'):format(file, line),
        refusal { profile = "a" })
    end
  end)

  it("is the user's alone", function()
    for mode, is_shared in pairs { ["600"] = false, ["700"] = false,
        ["601"] = true, ["610"] = true, ["640"] = true } do
      write("[a]\napi_key = k", mode)
      if is_shared then
        assert.equal(("%s holds keys, and others may read it. Run: chmod 600 "
          .. "%s"):format(file, file), refusal { profile = "a" })
      else
        assert.equal("k", options { profile = "a" }.api_key)
      end
    end
  end)

  it("is named as the shell wants it", function()
    for name, quoted in pairs { ["a b"] = "'%s/a b/lipsync/profiles'",
        ["a;b"] = "'%s/a;b/lipsync/profiles'",
        ["it's"] = "'%s/it'\\''s/lipsync/profiles'",
        ["Z9_.-"] = "%s/Z9_.-/lipsync/profiles" } do
      env.XDG_CONFIG_HOME = folder .. "/" .. name
      file = profile.path()
      os.execute("mkdir -p " .. launch.quote(env.XDG_CONFIG_HOME .. "/lipsync"))
      write("", "644")
      assert.equal("Run: chmod 600 " .. quoted:format(folder),
        refusal { profile = "a" }:match "Run: .*")
    end
  end)

  it("gives way to what the command line has", function()
    write "[a]\napi_key = k\nbase_url = https://a\n[b]\nproxy = p"
    launch.write(folder .. "/key", " \tk2\r\n\n")
    local own, origins = options { profile = "b", base_url = "https://c",
                                   key_file = folder .. "/key" }
    assert.same({ api_key = "k2", base_url = "https://c", proxy = "p" }, own)
    assert.same({ api_key = folder .. "/key", base_url = "--base-url",
                  proxy = 'proxy of the profile "b"' }, origins)
    assert.same({ {}, {} }, { options {} })
    launch.write(folder .. "/key", " \n")
    assert.equal(folder .. "/key is empty.",
      refusal { key_file = folder .. "/key" })
    assert.equal(("%s/none cannot be read: %s."):format(folder, no_file),
      refusal { key_file = folder .. "/none" })
  end)

  it("is not needed where there is a key", function()
    assert.is_false(profile.has_key {})
    assert.is_true(profile.has_key { api_key = "" })
    env.SYNC_API_KEY = ""
    assert.is_false(profile.has_key {})
    env.SYNC_API_KEY = "k"
    assert.is_true(profile.has_key {})
  end)

  it("has secrets beside it, of a file or a variable", function()
    launch.write(folder .. "/secrets", ("s"):rep(1024 * 1024 + 1))
    assert.equal(1024 * 1024, #profile.secrets(folder .. "/secrets", "S"))
    assert.is_nil(profile.secrets(nil, "S"))
    env.S = "s"
    assert.equal("s", profile.secrets(nil, "S"))
    env.S = ""
    assert.is_nil(profile.secrets(nil, "S"))
  end)

  it("asks for them without an echo only where standard input is a terminal",
    function()
      local is_terminal, echo, stdin, stderr = terminal.is_terminal,
        terminal.echo, io.stdin, io.stderr
      local seen, there
      finally(function()
        terminal.is_terminal, terminal.echo = is_terminal, echo
        rawset(io, "stdin", stdin)
        rawset(io, "stderr", stderr)
      end)
      local function note(text) seen[#seen + 1] = text end
      function terminal.is_terminal(fd) return fd == there end
      function terminal.echo(fd, on)
        note(("echo %d %s"):format(fd, tostring(on)))
        return "before"
      end
      rawset(io, "stdin", { read = function(_, format)
        note(format)
        return "typed"
      end })
      rawset(io, "stderr", { write = function(_, text) note(text) end })
      for fd, wanted in pairs {
          [0] = { "echo 0 false", "Webhook secret: ", "*l", "echo 0 before",
                  "\n" },
          [1] = { 1024 * 1024 } } do
        seen, there = {}, fd
        assert.equal("typed", profile.secrets("-", "S"))
        assert.same(wanted, seen)
      end
    end)
end)
