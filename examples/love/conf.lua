-- SPDX-License-Identifier: MIT
-- Read by LÖVE before the window opens.

function love.conf(t)
  t.version = "11.4"
  t.window.title = "Generations"
  t.window.width, t.window.height = 960, 600
  t.window.resizable = true
  for _, name in ipairs { "audio", "joystick", "physics", "sound", "video" } do
    t.modules[name] = false
  end
end
