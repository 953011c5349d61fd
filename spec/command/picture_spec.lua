-- SPDX-License-Identifier: MIT
-- The picture of the command in the README is what the command writes now.

local command = require "spec.support.command"
local launch = require "spec.support.launch"
local program = require "spec.support.program"

describe("docs/pictures/command.svg", function()
  it("is what `make pictures` makes", function()
    if not program.can_run() or not command.can_run()
       or not command.has_terminal() or not launch.find "curl" then
      return pending "needs the emulator, argparse, python3 and curl"
    end
    local folder = launch.folder()
    local status, log = launch.run { folder = folder,
      env = { LUA_CPATH = package.cpath, LUA = program.vm },
      command = "scripts/picture-command " .. folder .. "/new.svg" }
    local made = launch.read(folder .. "/new.svg")
    launch.remove(folder)
    assert.equal(0, status, log)
    assert.matches(">55%%<", made)
    assert.equal(launch.read "docs/pictures/command.svg", made)
  end)
end)
