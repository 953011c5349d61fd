/* SPDX-License-Identifier: MIT
**
** old_curl: preloaded, makes libcurl say that it is 7.64.0, where it is asked
** by what does not start LDAP. What that version does not tell of lies behind
** its struct, and is anything.
*/

#include <curl/curl.h>


__attribute__((visibility("default"))) curl_version_info_data *
curl_version_info (CURLversion version) {
  static curl_version_info_data old;
  (void)version;
  old.age = CURLVERSION_FIFTH;
  old.version = "7.64.0";
  old.version_num = 0x074000;
  old.nghttp2_version = old.cainfo = (const char *)1;
  return &old;
}


__attribute__((visibility("default"))) char *curl_version (void) {
  static char wrong[] = "a library that has started LDAP and SASL";
  return wrong;
}
