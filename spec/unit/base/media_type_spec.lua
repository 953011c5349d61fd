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
    assert.equal("audio/mp4", media_type.of("A.MP4", "audio"))
    assert.equal("video/x-matroska", media_type.of("a.mkv", "audio"))
    assert.equal("application/octet-stream", media_type.of("a", "audio"))
  end)

  it("takes the last segment for the name", function()
    assert.equal("c.mp4", media_type.file_name "/a/b/c.mp4")
    assert.equal("c.mp4", media_type.file_name "c.mp4")
  end)
end)

describe("an ending", function()
  it("is one of a media type", function()
    assert.equal(".mp4", media_type.ending "/a/b.mp4")
    assert.same({ ".WAV", "audio/wav" }, { media_type.ending "x.WAV" })
    for _, text in ipairs { "", "x", "x.exe", "x.mp4/", "mp4", "x.mp4 " } do
      assert.is_nil(media_type.ending(text), text)
    end
  end)

  it("is known of what people upload", function()
    local types = { mp4 = "video/mp4", mov = "video/quicktime",
      webm = "video/webm", avi = "video/x-msvideo", mkv = "video/x-matroska",
      m4v = "video/mp4", wav = "audio/wav", mp3 = "audio/mpeg",
      ogg = "audio/ogg", oga = "audio/ogg", flac = "audio/flac",
      m4a = "audio/mp4", aac = "audio/aac", png = "image/png",
      jpg = "image/jpeg", jpeg = "image/jpeg", webp = "image/webp",
      gif = "image/gif", srt = "application/x-subrip",
      json = "application/json", jsonl = "application/jsonl" }
    local second = { m4v = "mp4", jpeg = "jpg", oga = "ogg" }
    for ending, media in pairs(types) do
      assert.same({ "." .. ending, media },
        { media_type.ending("x." .. ending) })
      assert.equal("." .. (second[ending] or ending),
        media_type.ending_of(media))
    end
  end)

  it("stands for a Content-Type", function()
    assert.equal(".wav", media_type.ending_of "audio/wave")
    assert.equal(".mp4", media_type.ending_of " video/mp4")
    assert.equal(".wav", media_type.ending_of "Audio/X-WAV; rate=1")
    assert.is_nil(media_type.ending_of "application/octet-stream")
    assert.is_nil(media_type.ending_of(nil))
  end)
end)
