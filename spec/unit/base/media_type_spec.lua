-- SPDX-License-Identifier: MIT
local media_type = require "lipsync.base.media_type"

describe("media_type", function()
  it("knows the type by the suffix", function()
    for path, wanted in pairs {
      ["clip.mp4"] = "video/mp4", ["/a.b/CLIP.MOV"] = "video/quicktime",
      ["a.m4v"] = "video/mp4", ["a.avi"] = "video/x-msvideo",
      ["a.webm"] = "video/webm", ["a.b.wav"] = "audio/wav",
      ["a.mp3"] = "audio/mpeg", ["a.ogg"] = "audio/ogg",
      ["a.oga"] = "audio/ogg", ["a.flac"] = "audio/flac",
      ["a.m4a"] = "audio/mp4", ["a.aac"] = "audio/aac",
      ["a.jpg"] = "image/jpeg", ["a.jpeg"] = "image/jpeg",
      ["a.png"] = "image/png", ["a.webp"] = "image/webp",
      ["a"] = "application/octet-stream", [""] = "application/octet-stream",
      ["mp4"] = "application/octet-stream",
      ["a.exe"] = "application/octet-stream",
      ["a.mp4/b"] = "application/octet-stream",
    } do
      assert.equal(wanted, media_type.of(path), path)
    end
  end)

  it("asks what the file is for where the suffix says too little", function()
    assert.equal("audio/mp4", media_type.of("a.mp4", "audio"))
    assert.equal("video/mp4", media_type.of("a.mp4", "video"))
    assert.equal("audio/webm", media_type.of("a.webm", "audio"))
    assert.equal("video/webm", media_type.of("a.webm", "image"))
  end)

  it("takes the last segment for the name", function()
    assert.equal("c.mp4", media_type.file_name "/a/b/c.mp4")
    assert.equal("c.mp4", media_type.file_name "c.mp4")
  end)
end)
