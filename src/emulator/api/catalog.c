/* SPDX-License-Identifier: MIT
**
** catalog: see catalog.h. A table and two loops.
*/

#include "catalog.h"
#include "../store/text.h"

#include <string.h>

static const struct catalog_entry entries[] = {
  {"generation_unsupported_model", 422,
   "The model is not known or cannot take this input.",
   "Choose one of the models that GET /v2/models lists."},
  {"generation_pipeline_failed", 500,
   "The generation failed while it was being rendered.",
   "Create it again; if it fails twice, try other input media."},
  {"generation_unknown_error", 500,
   "The generation failed for a reason that was not recorded.",
   "Create it again, and tell support its id if that fails too."},
  {"generation_input_validation_failed", 400, "The request is not valid.",
   "Correct the field that the message names and send it again."},
  {"generation_infra_storage_error", 500, "The output could not be stored.",
   "Create the generation again in a few minutes."},
  {"generation_infra_resource_exhausted", 503,
   "No machine was free to run the generation.",
   "Create the generation again in a few minutes."},
  {"generation_infra_service_unavailable", 503,
   "A part of the service was not available.", "Wait a little and try again."},
  {"generation_input_video_inaccessible", 422,
   "The provided video URL is inaccessible.",
   "Make the URL publicly fetchable, or upload the file and pass its asset "
   "id."},
  {"generation_input_audio_inaccessible", 422,
   "The audio of the input could not be fetched.",
   "Check that its URL opens without a login and has not expired."},
  {"generation_input_image_inaccessible", 422,
   "The image of the input could not be fetched.",
   "Check that its URL opens without a login and has not expired."},
  {"generation_input_video_invalid", 422,
   "The video of the input cannot be decoded.",
   "Convert it to MP4 with H.264 and try again."},
  {"generation_input_audio_invalid", 422,
   "The audio of the input cannot be decoded.",
   "Convert it to WAV or MP3 and try again."},
  {"generation_input_segments_invalid", 422,
   "The segments overlap, are out of order, or name an unknown input.",
   "Order the segments by time and use the refId of an audio input."},
  {"generation_input_trim_invalid", 422,
   "A trim starts or ends outside of its media.",
   "Keep startTime and endTime within the media's duration."},
  {"generation_input_face_selection_invalid", 422,
   "No face was found where the active speaker was selected.",
   "Select another frame or place, or use automatic detection."},
  {"generation_input_resolution_unsupported", 422,
   "The resolution of the video is not supported.",
   "Scale the video down to 4K or less."},
  {"generation_input_duration_greater_than_max_duration", 422,
   "The input is longer than a generation may be.",
   "Cut the input into shorter parts."},
  {"generation_model_duration_exceeded", 422,
   "The input is longer than this model takes.",
   "Shorten the input or choose another model."},
  {"generation_plan_duration_exceeded", 402,
   "The input is longer than the plan allows.",
   "Shorten the input or move to a larger plan."},
  {"dubbing_duration_exceeded", 422, "The input is longer than dubbing takes.",
   "Shorten the input."},
  {"free_tier_generations_exhausted", 402,
   "All generations of the free plan have been used.",
   "Move to a paid plan, or wait for the next period."},
  {"plan_feature_unavailable", 402, "The plan does not include this feature.",
   "Leave the feature out or move to a larger plan."},
  {"account_payment_required", 402, "A payment of the organization is due.",
   "Settle it on the billing page."},
  {"account_on_hold", 403, "The organization is on hold.", "Contact support."},
  {"voice_clone_limit_reached", 403, "The plan allows no further cloned voice.",
   "Delete a voice that is no longer used."},
  {"elevenlabs_quota_exceeded", 402,
   "The quota of the connected ElevenLabs account is used up.",
   "Raise the quota there, or use another voice provider."},
  {"generation_input_asset_type_mismatch", 422,
   "An asset is not of the type of the input that names it.",
   "Give a video asset to a video input and audio to an audio input."},
  {"generation_input_too_many_visual", 422,
   "There is more than one video or image in the input.", "Keep one of them."},
  {"generation_input_dub_audio_conflict", 422,
   "Dubbing and a separate audio input exclude each other.",
   "Leave one of them out."},
  {"concurrency_limit_reached", 429,
   "As many generations are running as the plan allows at a time.",
   "Wait until one of them has finished."},
  {"rate_limit_exceeded", 429, "Rate limit exceeded. Please try again later.",
   "Wait as long as Retry-After says, or longer after each answer."},
  {"generation_not_deletable_while_processing", 409,
   "The generation is still running and cannot be deleted.",
   "Wait until it is COMPLETED, FAILED or REJECTED, then delete it."},
  {"invalid_generation_id", 400, "The generation's id is not a UUID.",
   "Pass the id exactly as the service returned it."},
  {"unsupported_generation_id_format", 400,
   "Ids of this older format are not supported here.",
   "Use the UUID of the generation."},
  {"generation_not_found", 404,
   "There is no such generation in this organization.",
   "Check the id, and that the key belongs to the same organization."},
  {"generation_conflict", 409, "The generation has changed in the meantime.",
   "Read it again before you change it."},
  {"generation_media_probe_timeout", 504,
   "Looking into the input media took too long.",
   "Try again, or put the media on a faster server."},
  {"generation_media_probe_unavailable", 503,
   "The input media cannot be looked into now.", "Try again in a few minutes."},
  {"controller_timeout", 504, "The service did not answer in time.",
   "Try again; the request may have been carried out."},
  {"controller_unavailable", 503,
   "The service is not available for the moment.",
   "Try again in a little while."},
  {"controller_dependency_error", 502,
   "A service behind this one gave a wrong answer.",
   "Try again in a little while."},
  {"internal_error", 500, "Something went wrong inside the service.",
   "Try again; tell support the request id if it goes on."},
  {"project_not_found", 404, "There is no such project in this organization.",
   "Check the project's id."},
  {"asset_not_found", 404, "There is no such asset.",
   "Check the asset's id, or upload the file again."},
  {"asset_forbidden", 403, "The asset belongs to another organization.",
   "Upload the file to this organization."},
  {"invalid_asset_id_format", 400, "The asset's id is not a UUID.",
   "Pass the id exactly as the upload returned it."},
  {"uploaded_file_not_found", 404, "The upload did not leave a file.",
   "Upload the file again and wait for its end."},
  {"file_not_in_org_storage", 403,
   "The file is not in the storage of this organization.",
   "Upload the file to this organization."},
  {"file_size_exceeds_plan_limit", 413,
   "The file is larger than the plan allows.",
   "Compress the file or move to a larger plan."},
  {"voice_not_found", 404, "There is no such voice.",
   "Choose one of the voices that are listed."},
  {"voice_sample_not_accessible", 422, "The voice sample could not be fetched.",
   "Check that its URL opens without a login."},
  {"voice_sample_type_unsupported", 422,
   "The voice sample is of a type that cannot be read.",
   "Use WAV or MP3, or a video with sound."},
  {"voice_sample_upload_required", 422,
   "The voice sample must be an uploaded file.",
   "Upload it and pass its asset id."},
  {"voice_sample_extraction_failed", 422,
   "No speech could be taken from the voice sample.",
   "Use a sample with one clear voice."},
  {"voice_sample_source_too_large", 413,
   "The file of the voice sample is too large.",
   "Cut out the part that is needed."},
  {"voice_sample_too_short", 400, "The voice sample is too short.",
   "Use at least ten seconds of speech."},
  {"voice_sample_invalid", 400, "The voice sample cannot be decoded.",
   "Convert it to WAV or MP3 and try again."},
  {"voice_name_conflict", 409, "There is a voice of that name already.",
   "Choose another name."},
  {"voice_clone_busy", 429, "The voice is being cloned already.",
   "Wait until that has finished."},
  {"elevenlabs_api_key_invalid", 401,
   "The connected ElevenLabs account does not accept its key.",
   "Enter a valid key in the settings."},
  {"elevenlabs_service_unavailable", 503,
   "ElevenLabs is not available for the moment.",
   "Try again in a little while."},
  {"usage_dependency_unavailable", 503,
   "The usage of the organization cannot be read now.",
   "Try again in a little while."},
};

/* What the service's list leaves out. */
static const struct catalog_entry unlisted[] = {
  {"INVALID_IDEMPOTENCY_KEY", 400,
   "Idempotency-Key must be one header of 1 to 128 of the characters A-Z, a-z, "
   "0-9, \".\", \"_\", \"~\" and \"-\".",
   "Make a key once for each generation, such as a UUID."},
  {"IDEMPOTENCY_KEY_CONFLICT", 409,
   "This Idempotency-Key came with another request before.",
   "Send a repeat unchanged, and another request under a key of its own."},
  {"IDEMPOTENCY_IN_PROGRESS", 409,
   "The first request with this Idempotency-Key is still being carried out.",
   "Send the same request again in a moment."},
  {"IDEMPOTENCY_OUTCOME_UNKNOWN", 503,
   "Whether the generation was created is not known.",
   "Send the same request again with the same Idempotency-Key."},
  {"invalid_speech_job_id", 400, "The job's id is not a UUID.",
   "Pass the id exactly as the service returned it."},
  {"speech_job_not_found", 404, "There is no such job.",
   "Check the id, and that the key belongs to the same organization."},
  {"invalid_transcription_id", 400, "The transcription's id is not a UUID.",
   "Pass the id exactly as the service returned it."},
  {"transcription_not_found", 404, "There is no such transcription.",
   "Check the id, and that the key belongs to the same organization."},
  {"invalid_dialogue_edit_id", 400, "The edit's id is not a UUID.",
   "Pass the id exactly as the service returned it."},
  {"dialogue_edit_not_found", 404, "There is no such edit of a dialogue.",
   "Check the id, and that the key belongs to the same organization."},
  {"cost_estimate_unavailable", 422,
   "What this would cost cannot be estimated.",
   "Choose one of the models that GET /v2/models lists."},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct catalog_entry *find (const struct catalog_entry *entry,
                                         size_t count, const char *code) {
  for (; count > 0; count--, entry++)
    if (strcmp(entry->code, code) == 0)
      return entry;
  return NULL;
}

const struct catalog_entry *catalog_find (const char *code) {
  const struct catalog_entry *entry = find(entries, COUNT(entries), code);
  return entry != NULL ? entry : find(unlisted, COUNT(unlisted), code);
}

void catalog_write (sqlite3_str *out) {
  size_t i;
  for (i = 0; i < COUNT(entries); i++) {
    sqlite3_str_appendall(out, i == 0 ? "[{\"code\":" : ",{\"code\":");
    text_quote(out, entries[i].code);
    sqlite3_str_appendall(out, ",\"message\":");
    text_quote(out, entries[i].message);
    sqlite3_str_appendall(out, ",\"suggestion\":");
    text_quote(out, entries[i].suggestion);
    sqlite3_str_appendchar(out, 1, '}');
  }
  sqlite3_str_appendchar(out, 1, ']');
}
