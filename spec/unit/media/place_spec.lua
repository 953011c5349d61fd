-- SPDX-License-Identifier: MIT
local launch = require "spec.support.launch"
local place = require "lipsync.media.place"

describe("where a file goes", function()
  local folder

  before_each(function() folder = launch.folder() end)
  after_each(function() launch.remove(folder) end)

  local function find(path, subject)
    subject = subject or {}
    subject.id, subject.url = subject.id or "id", subject.url or "https://a/b"
    return place.find(path, subject)
  end

  it("is the path, if that is no folder", function()
    assert.same({ target = folder .. "/new", needs_ending = false },
      find(folder .. "/new"))
    launch.write(folder .. "/old", "abc")
    local found = find(folder .. "/old", { url = "https://a/b.mp4" })
    assert.same({ folder .. "/old", false, "file", 3 }, { found.target,
      found.needs_ending, found.info.type, found.info.size })
  end)

  it("is told of a path that cannot be", function()
    local function code(path) return select(2, find(path)) end
    assert.same({ code = "path_nul" }, code(folder .. "/a\0b"))
    assert.same({ code = "path_nul" }, code "\0a")
    assert.same({ code = "folder_missing", path = folder .. "/none/" },
      code(folder .. "/none/"))
  end)

  it("has a safe name in a folder", function()
    for _, case in ipairs {
        { "/a-1.mp4", { name = "a", more = "-1", url = "https://a/b.mp4" } },
        { "/clip.mp4", { name = "clip", url = "https://a/b.mp4?c=d.wav#e" } },
        { "/clip.mov", { name = "clip.mov", url = "https://a/b.mp4" } },
        { "/a_b.mp4", { name = "a/b", url = "https://a/b.mp4#c" } },
        { "/id.mp4", { name = "..", url = "https://a/b.mp4" } },
        { "/i.mp4", { id = "i", url = "https://a/b.mp4" } },
        { "/file-1.mp4", { id = "///", more = "-1", url = "https://a/b.mp4" } },
        } do
      for _, path in ipairs { folder, folder .. "/", folder .. "//" } do
        assert.same({ target = folder .. case[1], needs_ending = false },
          find(path, case[2]))
      end
    end
    launch.write(folder .. "/clip.mp4", "abc")
    assert.equal(3, find(folder, { name = "clip", url = "https://a/b.mp4" })
      .info.size)
    assert.matches("^/id", find("/", {}).target)
  end)

  it("gets its ending from the type where the address has none", function()
    local found = find(folder, { name = "clip", url = "https://a/b?c=d.mp4" })
    assert.same({ target = folder .. "/clip", needs_ending = true }, found)
    place.complete(found, "text/html")
    place.complete(found, nil)
    assert.same({ target = folder .. "/clip", needs_ending = true }, found)
    launch.write(folder .. "/clip.wav", "abc")
    place.complete(found, "audio/wav")
    assert.same({ folder .. "/clip.wav", false, 3 }, { found.target,
      found.needs_ending, found.info.size })
    place.complete(found, "video/mp4")
    assert.equal(folder .. "/clip.wav", found.target)
  end)
end)
