rockspec_format = "3.0"
package = "lipsync"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "A streaming client for the sync.so lip-sync API",
  detailed = [[
Lists and deletes an organization's generations, as a stream and without
blocking the host: the same loop runs in a plain script, in nginx, in a game's
frame and in an editor.]],
  license = "MIT",
  labels = { "http", "client", "api", "video" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
-- Only 'library': a 'header' is not found on multiarch systems.
external_dependencies = {
  CURL = { library = "curl" },
  ZLIB = { library = "z" },
}
build = {
  type = "builtin",
  modules = {
    -- begin modules
    ["lipsync.base.filter"] = "lua/lipsync/base/filter.lua",
    ["lipsync.base.http_date"] = "lua/lipsync/base/http_date.lua",
    ["lipsync.base.misuse"] = "lua/lipsync/base/misuse.lua",
    ["lipsync.base.options"] = "lua/lipsync/base/options.lua",
    ["lipsync.base.stopwatch"] = "lua/lipsync/base/stopwatch.lua",
    ["lipsync.base.text"] = "lua/lipsync/base/text.lua",
    ["lipsync.base.time"] = "lua/lipsync/base/time.lua",
    ["lipsync.base.timers"] = "lua/lipsync/base/timers.lua",
    ["lipsync.base.url"] = "lua/lipsync/base/url.lua",
    ["lipsync.bulk.delete_many"] = "lua/lipsync/bulk/delete_many.lua",
    ["lipsync.bulk.pool"] = "lua/lipsync/bulk/pool.lua",
    ["lipsync.call.events"] = "lua/lipsync/call/events.lua",
    ["lipsync.call"] = "lua/lipsync/call/init.lua",
    ["lipsync.call.limiter"] = "lua/lipsync/call/limiter.lua",
    ["lipsync.call.retry_budget"] = "lua/lipsync/call/retry_budget.lua",
    ["lipsync.call.states"] = "lua/lipsync/call/states.lua",
    ["lipsync.call.verdict"] = "lua/lipsync/call/verdict.lua",
    ["lipsync.client"] = "lua/lipsync/client.lua",
    ["lipsync.error.backoff"] = "lua/lipsync/error/backoff.lua",
    ["lipsync.error"] = "lua/lipsync/error/init.lua",
    ["lipsync.error.message"] = "lua/lipsync/error/message.lua",
    ["lipsync.error.retry"] = "lua/lipsync/error/retry.lua",
    ["lipsync.error.retry_after"] = "lua/lipsync/error/retry_after.lua",
    ["lipsync.host.blocking"] = "lua/lipsync/host/blocking.lua",
    ["lipsync.host.cqueues"] = "lua/lipsync/host/cqueues.lua",
    ["lipsync.host.global"] = "lua/lipsync/host/global.lua",
    ["lipsync.host.haproxy"] = "lua/lipsync/host/haproxy.lua",
    ["lipsync.host"] = "lua/lipsync/host/init.lua",
    ["lipsync.host.lua51"] = "lua/lipsync/host/lua51.lua",
    ["lipsync.host.luv"] = "lua/lipsync/host/luv.lua",
    ["lipsync.host.nginx"] = "lua/lipsync/host/nginx.lua",
    ["lipsync.host.poll_interval"] = "lua/lipsync/host/poll_interval.lua",
    ["lipsync.host.raise"] = "lua/lipsync/host/raise.lua",
    ["lipsync.host.task"] = "lua/lipsync/host/task.lua",
    ["lipsync.host.timer"] = "lua/lipsync/host/timer.lua",
    ["lipsync.host.timeslice"] = "lua/lipsync/host/timeslice.lua",
    ["lipsync"] = "lua/lipsync/init.lua",
    ["lipsync.list.cursor"] = "lua/lipsync/list/cursor.lua",
    ["lipsync.list.history"] = "lua/lipsync/list/history.lua",
    ["lipsync.list.listing"] = "lua/lipsync/list/listing.lua",
    ["lipsync.list.page_source"] = "lua/lipsync/list/page_source.lua",
    ["lipsync.list.stream_source"] = "lua/lipsync/list/stream_source.lua",
    ["lipsync.list.token_cursor"] = "lua/lipsync/list/token_cursor.lua",
    ["lipsync.loader"] = "lua/lipsync/loader.lua",
    ["lipsync.resources.delete"] = "lua/lipsync/resources/delete.lua",
    ["lipsync.resources.errors"] = "lua/lipsync/resources/errors.lua",
    ["lipsync.resources.generation"] = "lua/lipsync/resources/generation.lua",
    ["lipsync.resources.generations"] = "lua/lipsync/resources/generations.lua",
    ["lipsync.sched.native_tasks"] = "lua/lipsync/sched/native_tasks.lua",
    ["lipsync.sched.run_queue"] = "lua/lipsync/sched/run_queue.lua",
    ["lipsync.sched.scheduler"] = "lua/lipsync/sched/scheduler.lua",
    ["lipsync.sched.task"] = "lua/lipsync/sched/task.lua",
    ["lipsync.sched.waiters"] = "lua/lipsync/sched/waiters.lua",
    -- end
    ["lipsync.core"] = {
      sources = {
        -- begin core
        "src/core/buf.c",
        "src/core/core.c",
        "src/core/error.c",
        "src/core/generation.c",
        "src/core/json.c",
        "src/core/json_value.c",
        "src/core/pin.c",
        "src/core/value.c",
        -- end
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "src/core" },
      libraries = { "pthread", "dl" },
    },
    ["lipsync.http"] = {
      sources = {
        -- begin http
        "src/core/buf.c",
        "src/core/error.c",
        "src/core/generation.c",
        "src/core/json.c",
        "src/core/json_value.c",
        "src/core/pin.c",
        "src/core/value.c",
        "src/http/engine.c",
        "src/http/failure.c",
        "src/http/header.c",
        "src/http/inflate.c",
        "src/http/luafield.c",
        "src/http/luahttp.c",
        "src/http/luasession.c",
        "src/http/luatransfer.c",
        "src/http/origin.c",
        "src/http/process.c",
        "src/http/receive.c",
        "src/http/request.c",
        "src/http/response.c",
        "src/http/session.c",
        -- end
      },
      defines = { "_GNU_SOURCE" },
      libraries = { "curl", "z", "pthread", "dl" },
      incdirs = { "src/core", "src/http", "$(CURL_INCDIR)",
                  "$(ZLIB_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)", "$(ZLIB_LIBDIR)" },
    },
  },
}
