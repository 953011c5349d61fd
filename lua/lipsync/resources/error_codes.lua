-- SPDX-License-Identifier: MIT
-- The error codes that the service is known to have, of requests and of
-- generations that failed: what each is about, and whether the same may succeed
-- later. The catalog, once it is fetched, has the last word.

local codes = {}

-- What would have to change: what was sent; the organization's plan, limits or
-- payments; the object that it is about; or nothing on this side.
local groups = {
  { "request", false, [[
    generation_unsupported_model generation_input_validation_failed
    generation_input_video_inaccessible generation_input_audio_inaccessible
    generation_input_image_inaccessible generation_input_video_invalid
    generation_input_audio_invalid generation_input_segments_invalid
    generation_input_trim_invalid generation_input_face_selection_invalid
    generation_input_resolution_unsupported
    generation_input_duration_greater_than_max_duration
    generation_model_duration_exceeded dubbing_duration_exceeded
    generation_input_asset_type_mismatch generation_input_too_many_visual
    generation_input_dub_audio_conflict invalid_generation_id
    unsupported_generation_id_format invalid_asset_id_format
    uploaded_file_not_found file_not_in_org_storage
    voice_sample_not_accessible voice_sample_type_unsupported
    voice_sample_upload_required voice_sample_extraction_failed
    voice_sample_source_too_large voice_sample_too_short voice_sample_invalid
    cost_estimate_unavailable INVALID_IDEMPOTENCY_KEY
    IDEMPOTENCY_KEY_CONFLICT]] },
  { "account", false, [[
    generation_plan_duration_exceeded free_tier_generations_exhausted
    plan_feature_unavailable account_payment_required account_on_hold
    voice_clone_limit_reached file_size_exceeds_plan_limit
    elevenlabs_quota_exceeded elevenlabs_api_key_invalid]] },
  { "account", true, "concurrency_limit_reached rate_limit_exceeded" },
  { "object", false, [[
    generation_not_deletable_while_processing generation_not_found
    generation_conflict project_not_found asset_not_found asset_forbidden
    voice_not_found voice_name_conflict]] },
  { "service", true, [[
    generation_pipeline_failed generation_unknown_error
    generation_infra_storage_error generation_infra_resource_exhausted
    generation_infra_service_unavailable generation_media_probe_timeout
    generation_media_probe_unavailable controller_timeout
    controller_unavailable controller_dependency_error internal_error
    voice_clone_busy elevenlabs_service_unavailable
    usage_dependency_unavailable IDEMPOTENCY_IN_PROGRESS
    IDEMPOTENCY_OUTCOME_UNKNOWN]] },
}

for _, group in ipairs(groups) do
  local facts = { scope = group[1], retryable = group[2] }
  for code in group[3]:gmatch "%S+" do codes[code] = facts end
end

return codes
