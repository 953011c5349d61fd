-- SPDX-License-Identifier: MIT
local file = require "lipsync.file"
local proc = require "spec.support.proc"
local process = require "process"
local program = require "spec.support.program"

local on_windows = package.config:sub(1, 1) == "\\"

local folder

local function path(name) return folder .. "/" .. name end

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function content(of)
  local from = assert(io.open(of, "rb"))
  local bytes = from:read "*a"
  from:close()
  return bytes
end

-- The code of a failure, which names the path.
local function code(of, value, failure)
  assert.is_nil(value)
  assert.equal(of, failure.path)
  return failure.code
end

-- Renames at once, and with the disk's knowledge.
local function place(from, to, overwrite)
  local job = file.job { from = from, to = to, overwrite = overwrite,
                         here = true }
  return job:done()
end

describe("lipsync.file", function()
  before_each(function()
    folder = shell "mktemp -d"
  end)
  after_each(function()
    shell("chmod -R u+w " .. folder .. "; rm -rf " .. folder)
  end)

  it("writes and reads at its own offset", function()
    local f = assert(file.open(path "a", "edit"))
    assert.equal("File (" .. path "a" .. ")", tostring(f))
    assert.equal(0, f:size())
    assert.is_true(f:write "hello\0world")
    assert.is_true(f:write "")
    assert.equal("", f:read(5))
    assert.is_true(f:seek(4))
    assert.equal("o\0w", f:read(3))
    assert.is_true(f:write "X")
    assert.equal("hello\0wXrld", content(path "a"))
    assert.is_true(f:truncate(5))
    assert.equal(5, f:size())
    assert.equal("", f:read(5))
    f:close()
    f:close()
    assert.equal("File (closed)", tostring(f))
    for _, method in ipairs { "write", "read", "size", "lock" } do
      assert.has_error(function() f[method](f, 1) end, "the file is closed")
    end
  end)

  it("opens what it is asked for, with those permissions", function()
    assert.equal("file_missing", code(path "a", file.open(path "a", "read")))
    assert(file.open(path "a", "new")):close()
    assert.equal("600", shell("stat -c %a " .. path "a"))
    assert.equal("file_exists", code(path "a", file.open(path "a", "new")))
    local f = assert(file.open(path "a", "read"))
    assert.equal("file_unwritten", code(path "a", f:write "x"))
    f:close()
    assert(file.open(path "b", "edit", 420)):close()
    assert.equal("644", shell("stat -c %a " .. path "b"))
    assert.equal("file_missing", code(path "no/a",
      file.open(path "no/a", "edit")))
    assert.has_error(function() file.open(path "a", "write") end)
    assert.has_error(function() file.open("a\0b", "read") end)
  end)

  it("opens regular files only, and waits for no pipe", function()
    shell("mkfifo " .. path "pipe")
    for _, mode in ipairs { "read", "edit" } do
      assert.equal("file_folder", code(folder, file.open(folder, mode)))
      assert.equal("file_special", code(path "pipe",
        file.open(path "pipe", mode)))
      assert.equal("file_special", code("/dev/null",
        file.open("/dev/null", mode)))
    end
  end)

  local it_counts = proc.is_here and it or pending

  it_counts("closes descriptors on exec, and leaves 0 to 2 alone", function()
    local text = shell(([[%s -e '
      package.path, package.cpath = "%s", "%s"
      local f = assert(require "lipsync.file".open("%s", "edit"))
      os.execute "ls -l /proc/self/fd | grep -c %s"
      f:write "x"' <&- >%s 2>&-]]):format(program.vm, package.path,
      package.cpath, path "a", path "a", path "out"))
    assert.equal("", text)
    assert.equal("x", content(path "a"))
    assert.equal("0\n", content(path "out"))
  end)

  it_counts("has none of the numbers 0 to 2, where those are free", function()
    for _, closed in ipairs { "<&-", "2>&-", "<&- 2>&-" } do
      shell(([[%s -e '
        package.path, package.cpath = "%s", "%s"
        local f = assert(require "lipsync.file".open("%s", "edit"))
        local pid = io.open "/proc/self/stat":read "*a":match "%%d+"
        os.execute("ls -l /proc/" .. pid .. "/fd > %s")
        f:close()' %s]]):format(program.vm, package.path, package.cpath,
        path "here", path "list", closed))
      local number = content(path "list"):match " (%d+) %-> [^\n]*/here"
      assert.is_true(tonumber(number) > 2, number)
    end
  end)

  it("locks against every other opening", function()
    local a = assert(file.open(path "a", "edit"))
    local b = assert(file.open(path "a", "edit"))
    assert.is_true(a:lock())
    assert.is_true(a:lock())
    local locked, holder = b:lock()
    assert.is_false(locked)
    assert.is_true(holder == nil
      or holder == tonumber(content "/proc/self/stat":match "%d+"))
    a:close()
    assert.is_true(b:lock())
    assert.is_true(b:is_at(path "a"))
    assert.is_true(place(path "a", path "b"))
    assert.is_false(b:is_at(path "a"))
    assert(file.open(path "a", "new")):close()
    assert.is_false(b:is_at(path "a"))
    assert.is_true(b:is_at(path "b"))
    b:close()
  end)

  -- The kernel's list of locks does not show them everywhere.
  local function is_listed(pid)
    local list = io.open "/proc/locks"
    local text = list and list:read "*a" or ""
    if list then list:close() end
    return text:find("FLOCK[^\n]* " .. pid .. " ") ~= nil
  end

  it("knows which process has a lock", function()
    if not proc.is_here then return pending "needs Linux" end
    local a = assert(file.open(path "a", "edit"))
    local b = assert(file.open(path "b", "edit"))
    assert.is_true(a:lock())
    local own = content "/proc/self/stat":match "%d+"
    local child, descriptor = process.fork(function()
      local mine = assert(file.open(path "b", "edit"))
      assert(mine:lock())
      assert(file.open(path "locked", "new")):close()
      local deadline = os.time() + 60
      while not file.info(path "go") do assert(os.time() < deadline) end
    end)
    local deadline = os.time() + 60
    while not file.info(path "locked") do assert(os.time() < deadline) end
    local other = assert(file.open(path "a", "read"))
    local locked, holder = other:lock()
    local result = { b:lock() }
    local lists = is_listed(own) and is_listed(child)
    assert(file.open(path "go", "new")):close()
    assert.same({ "", 0 }, { process.wait(child, descriptor) })
    assert.is_false(locked)
    assert.is_false(result[1])
    if lists then
      assert.same({ tonumber(own), child }, { holder, result[2] })
    end
    for _, each in ipairs { a, b, other } do each:close() end
  end)

  it("replaces a file whole", function()
    assert.is_true(file.replace(path "a", "old"))
    assert.is_true(file.replace(path "a", "new\0bytes"))
    assert.equal("new\0bytes", content(path "a"))
    if not on_windows then
      assert.equal("600", shell("stat -c %a " .. path "a"))
    end
    shell("touch " .. path "a.new")  -- left by a crash
    assert.is_true(file.replace(path "a", ""))
    assert.equal("a", shell("ls " .. folder))
    assert.equal("file_missing", code(path "no/a",
      file.replace(path "no/a", "x")))
    shell("mkdir " .. path "folder")
    assert.equal("file_folder", code(path "folder",
      file.replace(path "folder", "x")))
    assert.equal("a\nfolder", shell("ls " .. folder))
  end)

  it("works on the current folder's names", function()
    local name = "lipsync-file-spec"
    assert.is_true(file.replace(name, "x"))
    assert.is_true(place(name, name .. "-2"))
    assert.equal("x", content(name .. "-2"))
    assert.is_true(file.remove(name .. "-2"))
    assert.is_true(file.remove(name))
  end)

  -- Without the call that renames to a free name only, and without links too.
  for _, lack in ipairs { "", "NO_LINKS=1 " } do
    it("places a file over none, as older systems can: " .. lack, function()
      if not proc.is_here then return pending "preloading needs Linux" end
      assert.is_true(file.replace(path "a", "a"))
      assert.is_true(file.replace(path "b", "b"))
      local text = shell(([[%sLD_PRELOAD="$LD_PRELOAD build/old_disk.so" %s -e '
        local file = require "lipsync.file"
        local function place(from, to)
          local done, failure = file.job { from = "%s/" .. from,
            to = "%s/" .. to, here = true }:done()
          return done or failure.code
        end
        print(place("a", "b"), place("a", "c"), place("a", "d"))
      ' 2>&1]]):format(lack, program.vm, folder, folder))
      assert.equal("file_exists\ttrue\tfile_missing", text)
      assert.equal("b", content(path "b"))
      assert.equal("a", content(path "c"))
    end)
  end

  -- Under the thread sanitizer the VM is a script, and no library preloaded.
  local it_preloads = os.getenv "LIPSYNC_SANITIZED" == "tsan" and pending or it

  it_preloads("goes on where a signal interrupts it", function()
    if not proc.is_here then return pending "preloading needs Linux" end
    local text = shell(([[LD_PRELOAD="$LD_PRELOAD build/interrupted_disk.so" \
      %s -e '
      package.path, package.cpath = "%s", "%s"
      local file = require "lipsync.file"
      local f, other = file.open("%s", "edit"), file.open("%s", "read")
      assert(f:lock())
      assert(other:lock() == false)
      assert(f:write "hello" and f:write "" and f:seek(0))
      assert(f:read(9) == "hello" and f:read(9) == "")
      assert(f:truncate(2) and f:size() == 2)
      for _, all in ipairs { true, false } do
        assert(file.job { sync = f, all = all, here = true }:done())
      end
      local _, failure = other:write "x"
      assert(failure.code == "file_unwritten" and failure.os_name == nil)
      _, failure = file.open("%s/none/a", "read")
      assert(failure.code == "file_missing")
      assert(file.replace("%s", "whole"))
      assert(not file.boot_id() or file.boot_id():find "^%%x+%%-")
      print "well"' 2>&1]]):format(program.vm, package.path, package.cpath,
      path "a", path "a", folder, path "b"))
    assert.equal("well", text)
    assert.equal("he", content(path "a"))
    assert.equal("whole", content(path "b"))
  end)

  it("places a file, over another one only if asked", function()
    assert.is_true(file.replace(path "a", "a"))
    assert.is_true(file.replace(path "b", "b"))
    assert.equal("file_exists", code(path "b",
      place(path "a", path "b")))
    assert.equal("b", content(path "b"))
    assert.is_true(place(path "a", path "b", true))
    assert.equal("a", content(path "b"))
    assert.is_true(place(path "b", path "c"))
    assert.equal("c", shell("ls " .. folder))
    assert.equal("file_missing", code(path "x/y",
      place(path "c", path "x/y")))
  end)

  it("takes no number or path that is none", function()
    local f = assert(file.open(path "a", "edit"))
    for _, wrong in ipairs { -1, 9e15, math.huge, 0 / 0, "x" } do
      for _, method in ipairs { "read", "seek", "truncate" } do
        assert.has_error(function() f[method](f, wrong) end)
      end
    end
    assert.equal("", f:read(0))
    assert.is_true(f:seek(2 ^ 40))
    assert.equal("", f:read(1))
    local text = path "a" .. "\0b"
    for _, call in ipairs { file.info, file.names, file.remove,
        function(name) return file.replace(name, "x") end,
        function(name) return file.open(name, "edit") end,
        function(name) return f:is_at(name) end } do
      local done, why = pcall(call, text)
      assert.is_false(done)
      assert.matches("a path has no NUL", why)
    end
    assert.is_false(f:is_at(path "none"))
    assert.is_false(f:is_at "/dev/null")
    f:close()
    for _, method in ipairs { "seek", "truncate", "is_at" } do
      assert.has_error(function() f[method](f, 1) end, "the file is closed")
    end
    assert.equal("a", shell("ls " .. folder))
  end)

  it("keeps what a file has where it is opened to be edited", function()
    local f = assert(file.open(path "a", "edit"))
    assert.is_true(f:write "abc")
    f:close()
    f = assert(file.open(path "a", "edit"))
    assert.equal("ab", f:read(2))
    assert.equal("c", f:read(2))
    assert.is_true(f:truncate(0))
    assert.equal(0, f:size())
    f:close()
    assert.equal("", content(path "a"))
    assert.is_true(file.remove(path "a"))
    assert.is_true(file.remove(path "a"))
    assert.equal("", shell("ls " .. folder))
    local done, failure = file.remove(folder)
    assert.equal(on_windows and "file_unwritten" or "file_folder",
      code(folder, done, failure))
  end)

  it("replaces what has a path of any length that the system takes",
    function()
      if not proc.is_here then return pending "needs Linux" end
      local function path_of(n)  -- bytes, of which ".new" has to fit as well
        local left = n - #folder - 1
        return path(("./"):rep(math.floor((left - 1) / 2))
          .. (left % 2 == 1 and "a" or "aa"))
      end
      local longest, longer = path_of(4091), path_of(4092)
      assert.is_true(file.replace(longest, "x"))
      assert.equal("x", content(longest))
      local done, failure = file.replace(longer, "y")
      assert.equal("file_unwritten", code(longer, done, failure))
      assert.equal("ENAMETOOLONG", failure.os_name)
      assert.equal("x", content(longest))
    end)

  it_counts("leaves no descriptor open, whatever fails", function()
    assert.is_true(file.replace(path "a", "x"))
    assert.is_true(file.replace(path "b", "x"))
    shell("mkfifo " .. path "pipe" .. "; mkdir " .. path "folder")
    local lock = assert(file.open(path "a", "edit"))
    assert.is_true(lock:lock())
    local before = process.descriptors()
    for _ = 1, 20 do
      file.open(folder, "read")
      file.open(path "pipe", "read")
      file.open(path "none", "read")
      file.replace(path "b", "y")
      file.replace(path "folder", "y")
      file.replace(path "no/a", "y")
      place(path "a", path "b")
      place(path "none", path "b")
      file.names(folder)
      file.names(path "none")
      file.info(path "a")
      file.boot_id()
      local other = file.open(path "a", "read")
      other:lock()
      other:close()
      file.open(path "b", "read")  -- collected
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, process.descriptors())
    lock:close()
    assert.equal(before - 1, process.descriptors())
  end)

  it("says what is there", function()
    assert.is_true(file.replace(path "a", "abc"))
    assert.same({ type = "file", size = 3 }, file.info(path "a"))
    assert.equal("folder", file.info(folder).type)
    assert.equal("other", file.info "/dev/null".type)
    assert.equal("file_missing", code(path "no", file.info(path "no")))
    assert.equal("file_missing", code(path "a/b", file.info(path "a/b")))
    local long = path(("x"):rep(300))
    local _, failure = file.info(long)
    assert.equal("file_unreadable", code(long, nil, failure))
    assert.equal("ENAMETOOLONG", failure.os_name)
    assert.is_number(failure.os_error)
  end)

  it("names what is in a folder, however much", function()
    assert.same({}, file.names(folder))
    shell("cd " .. folder .. " && mkdir .b && touch $(seq 1000 1999)")
    local names, seen = file.names(folder), {}
    for _, name in ipairs(names) do seen[name] = true end
    assert.equal(1001, #names)
    assert.is_true(seen[".b"] and seen["1000"] and seen["1999"])
    -- Names that fill the room for them, 4 KiB at first, to the byte.
    for _, n in ipairs { 15, 16, 17 } do
      shell("rm -rf " .. folder .. " && mkdir " .. folder)
      local wanted = {}
      for i = 1, n do
        wanted[("%02d"):format(i) .. ("x"):rep(253)] = true
      end
      for name in pairs(wanted) do
        assert(file.open(path(name), "new")):close()
      end
      seen = {}
      for _, name in ipairs(file.names(folder)) do seen[name] = true end
      assert.same(wanted, seen)
    end
    shell("touch " .. path "1000")
    assert.equal("file_missing", code(path "no", file.names(path "no")))
    assert.equal("file_missing", code(path "1000", file.names(path "1000")))
  end)

  it("knows the start of the machine", function()
    local id = file.boot_id()
    assert.equal(id, file.boot_id())
    if proc.is_here then assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", id) end
  end)

  it("does not know it where no descriptor is left", function()
    local text = shell(([[ulimit -n 30; %s -e '
      package.path, package.cpath = "%s", "%s"
      local file, all = require "lipsync.file", {}
      repeat local one = io.open("/dev/null"); all[#all + 1] = one until not one
      print(file.boot_id())']])
      :format(program.vm, package.path, package.cpath))
    assert.equal("nil", text)
  end)

  it("says that the disk takes no more", function()
    -- No file system of the test's own: a limit on the size of files.
    local text = shell(([[trap "" XFSZ; ulimit -f 8; %s -e '
      package.path, package.cpath = "%s", "%s"
      local f = assert(require "lipsync.file".open("%s", "edit"))
      local done, failure = f:write(("x"):rep(100000))
      print(done, failure.code, failure.os_name, f:size())']])
      :format(program.vm, package.path, package.cpath, path "a"))
    assert.matches("^nil%s+file_unwritten%s+EFBIG%s+%d+$", text)
  end)
end)
