/* SPDX-License-Identifier: MIT
**
** old_curl: preloaded, makes libcurl say that it is 7.79.1, where it is asked
** by what does not start LDAP.
*/

#include <curl/curl.h>


__attribute__((visibility("default"))) curl_version_info_data *
curl_version_info (CURLversion version) {
  static curl_version_info_data old;
  old.age = version;
  old.version = "7.79.1";
  old.version_num = 0x074f01;
  return &old;
}


__attribute__((visibility("default"))) char *curl_version (void) {
  static char wrong[] = "a library that has started LDAP and SASL";
  return wrong;
}
