/* SPDX-License-Identifier: MIT
**
** Unit tests of src/core/json_value.c: strings decoded, keys found, numbers
** read exactly and in any locale, values walked.
*/

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../../src/core/json.h"
#include "check.h"
#include "hook.h"

/* A second copy of the functions, the memory of which runs out on demand. */
#define json_type_of hooked_type_of
#define json_find    hooked_find
#define json_key_is  hooked_key_is
#define json_decode  hooked_decode
#define json_number  hooked_number
#define json_next    hooked_next
#define malloc       hook_malloc

enum json_type hooked_type_of (char c);
const struct json_member *hooked_find (const struct json_member *members,
                                       unsigned count, const char *text,
                                       const char *name, size_t length);
int hooked_key_is (const struct json_member *m, const char *text,
                   const char *name, size_t length);
size_t hooked_decode (const char *text, size_t length, char *out);
int hooked_number (const char *text, size_t length, int64_t *integer,
                   double *number);
enum json_token hooked_next (struct json_walk *w, struct json_text *text);

#include "../../src/core/json_value.c"

#undef json_type_of
#undef json_find
#undef json_key_is
#undef json_decode
#undef json_number
#undef json_next
#undef malloc

/* A block of exactly the bytes of 'text', so that no read goes past them. */
static char *exact (const char *text, size_t length) {
  char *block = malloc(length > 0 ? length : 1);
  memcpy(block, text, length);
  return block;
}

/* ---- Strings ---- */

#define STRING(text, reads)                                                    \
  { text, sizeof text - 1, reads, sizeof reads - 1 }

static const struct {
  const char *text;
  size_t length;
  const char *reads;
  size_t reads_length;
} strings[] = {
  STRING("", ""),
  STRING("plain", "plain"),
  STRING("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"),
  STRING("a\\nb\\nc", "a\nb\nc"),
  STRING("\\u0000", "\0"),
  STRING("x\\u0000y", "x\0y"),
  STRING("\\u0041\\u007f", "A\x7F"),
  STRING("\\u0080\\u07ff", "\xC2\x80\xDF\xBF"),
  STRING("\\u0800\\uFFFF", "\xE0\xA0\x80\xEF\xBF\xBF"),
  STRING("\\u20ac\\u20AC", "\xE2\x82\xAC\xE2\x82\xAC"),
  STRING("\\ud800\\udc00", "\xF0\x90\x80\x80"),
  STRING("\\uDBFF\\uDFFF", "\xF4\x8F\xBF\xBF"),
  STRING("\\ud83d\\ude00!", "\xF0\x9F\x98\x80!"),
  STRING("\\ud83d", "\xEF\xBF\xBD"),
  STRING("\\ude00", "\xEF\xBF\xBD"),
  STRING("\\ud83dx", "\xEF\xBF\xBDx"),
  STRING("\\ud83d\\n", "\xEF\xBF\xBD\n"),
  STRING("\\ud83d\\u0041",
         "\xEF\xBF\xBD"
         "A"),
  STRING("\\ud83d\\ud83d\\ude00", "\xEF\xBF\xBD\xF0\x9F\x98\x80"),
  STRING("\\ud83d\\ue000", "\xEF\xBF\xBD\xEE\x80\x80"),
  STRING("\\ude00\\ud83d", "\xEF\xBF\xBD\xEF\xBF\xBD"),
  STRING("\xC3\xA9\\u00e9\xE2\x82\xAC", "\xC3\xA9\xC3\xA9\xE2\x82\xAC"),
  STRING("\\\\u0041", "\\u0041"),
  STRING("\\\\\\\\", "\\\\")};

static int key_reads (const char *key, size_t length, const char *name,
                      size_t name_length) {
  struct json_member m = {0, 0, 0, 0};
  m.key_length = (uint32_t)length;
  if (memchr(key, '\\', length) != NULL)
    m.key_length |= JSON_KEY_ESCAPED;
  return json_key_is(&m, key, name, name_length);
}

static void test_strings (void) {
  size_t i;
  for (i = 0; i < sizeof strings / sizeof *strings; i++) {
    size_t length = strings[i].length, n = strings[i].reads_length;
    char *text = exact(strings[i].text, length);
    char *name = exact(strings[i].reads, n);
    char *out = malloc(length + 1);
    CHECK_SAYS(json_decode(text, length, out) == n && memcmp(out, name, n) == 0,
               "%s", strings[i].text);
    CHECK_SAYS(key_reads(text, length, name, n), "%s as a key",
               strings[i].text);
    CHECK(n == 0 || !key_reads(text, length, name, n - 1));
    out[n] = 'x';
    CHECK(!key_reads(text, length, out, n + 1));
    if (n > 0) {
      out[n - 1] ^= 1;
      CHECK(!key_reads(text, length, out, n));
    }
    CHECK_SAYS(json_decode(text, length, text) == n
                 && memcmp(text, name, n) == 0,
               "%s in place", strings[i].text);
    free(out);
    free(name);
    free(text);
  }
}

/* ---- Members ---- */

static void test_find (void) {
  static const char text[] =
    "{\"a\":1,\"b\":2,\"a\":3,\"\\u0061\":4,\"\":5,\"aa\":6,\"\\n\":7}";
  static const struct json_limits limits = {1000, 9, 9};
  static const struct {
    const char *name;
    char value;
  } wanted[] = {{"a", '4'}, {"b", '2'}, {"", '5'}, {"aa", '6'}, {"\n", '7'}};
  struct json_scanner s;
  size_t used, i;
  json_open(&s, JSON_SINGLE, &limits);
  if (CHECK(json_feed(&s, text, sizeof text - 1, &used) == JSON_ELEMENT)) {
    for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
      const char *name = wanted[i].name;
      const struct json_member *m = json_find(s.members, s.count, text, name,
                                              strlen(name));
      CHECK_SAYS(m != NULL && text[m->value] == wanted[i].value, "\"%s\"",
                 name);
    }
    CHECK(json_find(s.members, s.count, text, "c", 1) == NULL);
    CHECK(json_find(s.members, s.count, text, "aaa", 3) == NULL);
    CHECK(json_find(s.members, s.count, text, "\\u0061", 6) == NULL);
    CHECK(json_find(s.members, s.count, text, "\0", 1) == NULL);
    CHECK(json_find(s.members, 0, text, "a", 1) == NULL);
  }
  json_close(&s);
}

static void test_types (void) {
  CHECK(json_type_of('n') == JSON_NULL && json_type_of('t') == JSON_TRUE);
  CHECK(json_type_of('f') == JSON_FALSE && json_type_of('"') == JSON_STRING);
  CHECK(json_type_of('[') == JSON_ARRAY && json_type_of('{') == JSON_OBJECT);
  CHECK(json_type_of('-') == JSON_NUMBER && json_type_of('0') == JSON_NUMBER
        && json_type_of('9') == JSON_NUMBER);
}

/* ---- Numbers ---- */

static const struct {
  const char *text;
  int64_t value;
} integers[] = {
  {"0", 0},
  {"7", 7},
  {"-1", -1},
  {"1234567890", 1234567890},
  {"9007199254740993", INT64_C(9007199254740993)},
  {"-9007199254740993", -INT64_C(9007199254740993)},
  {"9223372036854775807", INT64_MAX},
  {"-9223372036854775807", -INT64_MAX},
  {"-9223372036854775808", INT64_MIN},
};

/* Hexadecimal doubles: what the nearest double is does not depend on the
** compiler's own reading of decimals. */
static const struct {
  const char *text;
  double value;
} doubles[] = {
  {"42.75", 0x1.56p5},
  {"-42.75", -0x1.56p5},
  {"0.5", 0x1p-1},
  {"1.0", 1},
  {"1e0", 1},
  {"1E2", 100},
  {"1e+2", 100},
  {"100e-2", 1},
  {"0.1", 0x1.999999999999ap-4},
  {"0.3", 0x1.3333333333333p-2},
  {"1e22", 0x1.0f0cf064dd592p73},
  {"1e23", 0x1.52d02c7e14af6p76},
  {"1e-22", 0x1.e392010175ee6p-74},
  {"1e-23", 0x1.82db34012b251p-77},
  {"9007199254740992e0", 0x1p53},
  {"9007199254740993e0", 0x1p53},
  {"9007199254740993e1", 0x1.4000000000001p56},
  {"9007199254740993.0000000000000000000000001", 0x1.0000000000001p53},
  {"9223372036854775808", 0x1p63},
  {"-9223372036854775809", -0x1p63},
  {"18446744073709551615", 0x1p64},
  {"99999999999999999999", 0x1.5af1d78b58c4p66},
  {"2.2250738585072014e-308", 0x1p-1022},
  {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
  {"5e-324", 0x1p-1074},
  {"2e-324", 0},
  {"1e-400", 0},
  {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
  {"12345678901234567890123e-5", 0x1.b69b4ba630f35p56},
  {"0.000001", 0x1.0c6f7a0b5ed8dp-20},
  {"123456789012345678901234567890", 0x1.8ee90ff6c373ep96},
  {"0e99999999999999999999", 0},
  {"0.000e-99999999999999999999", 0},
  {"1e-99999999999999999999", 0},
};

static int read_number (const char *text, int64_t *i, double *d) {
  size_t length = strlen(text);
  char *block = exact(text, length);
  int kind;
  *i = 77;
  *d = 77;
  kind = json_number(block, length, i, d);
  free(block);
  return kind;
}

/* 'before' followed by 'n' times 'c', then 'behind'. */
static char *long_number (const char *before, char c, size_t n,
                          const char *behind) {
  size_t a = strlen(before);
  char *text = malloc(a + n + strlen(behind) + 1);
  memcpy(text, before, a);
  memset(text + a, c, n);
  strcpy(text + a + n, behind);
  return text;
}

static void check_double (const char *text, double value) {
  int64_t i;
  double d;
  int kind = read_number(text, &i, &d);
  CHECK_SAYS(kind == 0 && d >= value && d <= value, "%.60s: %d, %a, not %a",
             text, kind, d, value);
}

static void test_numbers (void) {
  int64_t i;
  double d;
  size_t n;
  char *text;
  for (n = 0; n < sizeof integers / sizeof *integers; n++)
    CHECK_SAYS(read_number(integers[n].text, &i, &d) == 1
                 && i == integers[n].value,
               "%s", integers[n].text);
  for (n = 0; n < sizeof doubles / sizeof *doubles; n++)
    check_double(doubles[n].text, doubles[n].value);
  CHECK(read_number("-0", &i, &d) == 0 && d >= 0 && signbit(d));
  CHECK(read_number("-0.0e5", &i, &d) == 0 && d >= 0 && signbit(d));
  CHECK(read_number("1e400", &i, &d) == 0 && isinf(d) && d > 0);
  CHECK(read_number("-1e99999999999", &i, &d) == 0 && isinf(d) && d < 0);
  /* as long as a number can be: a megabyte of digits */
  text = long_number("1", '0', 1000000, "e-1000000");
  check_double(text, 1);
  free(text);
  text = long_number("0.", '0', 1000000, "1e1000001");
  check_double(text, 1);
  free(text);
  text = long_number("1.", '0', 70, "");
  check_double(text, 1);
  free(text);
  text = long_number("1e-", '0', 100000, "2");
  check_double(text, 0x1.47ae147ae147bp-7);
  free(text);
}

/* Only numbers too long for the stack need memory. */
static void test_number_memory (void) {
  char *text = long_number("0.", '3', 100, "");
  int64_t i;
  double d;
  hook_left = 0;
  CHECK(hooked_number("0.25", 4, &i, &d) == 0);
  CHECK(hooked_number("1e300", 5, &i, &d) == 0);
  CHECK(hooked_number(text, strlen(text), &i, &d) == -1);
  hook_left = HOOK_ENDLESS;
  CHECK(hooked_number(text, strlen(text), &i, &d) == 0);
  free(text);
}

/* Everything again where the comma is the decimal point, if there is such a
** locale here; LOCPATH may name a directory of them. */
static void test_comma_locale (void) {
  static const char *const names[] = {
    "tr_TR.UTF-8", "de_DE.UTF-8", "de_DE.utf8",  "fr_FR.UTF-8",
    "fr_FR.utf8",  "es_ES.UTF-8", "it_IT.UTF-8", "nl_NL.UTF-8",
    "pl_PL.UTF-8", "ru_RU.UTF-8", "cs_CZ.UTF-8", "pt_BR.UTF-8"};
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++)
    if (setlocale(LC_ALL, names[i]) != NULL
        && strcmp(localeconv()->decimal_point, ",") == 0) {
      test_numbers();
      setlocale(LC_ALL, "C");
      return;
    }
  setlocale(LC_ALL, "C");
  printf("skipped: numbers in a comma locale, none is installed\n");
}

/* ---- Walking ---- */

static void test_walk (void) {
  static const char text[] =
    "{ \"a\" : [1, -2.5e3 ,\"s:\\\",\"], \"b\\n\":{}, \"c\":null,\"\":[true,"
    "false,[]] }";
  static const struct {
    enum json_token token;
    const char *text;
    int escaped;
  } wanted[] = {{JSON_T_OBJECT_OPEN, NULL, 0}, {JSON_T_KEY, "a", 0},
                {JSON_T_ARRAY_OPEN, NULL, 0},  {JSON_T_NUMBER, "1", 0},
                {JSON_T_NUMBER, "-2.5e3", 0},  {JSON_T_STRING, "s:\\\",", 1},
                {JSON_T_ARRAY_CLOSE, NULL, 0}, {JSON_T_KEY, "b\\n", 1},
                {JSON_T_OBJECT_OPEN, NULL, 0}, {JSON_T_OBJECT_CLOSE, NULL, 0},
                {JSON_T_KEY, "c", 0},          {JSON_T_NULL, NULL, 0},
                {JSON_T_KEY, "", 0},           {JSON_T_ARRAY_OPEN, NULL, 0},
                {JSON_T_TRUE, NULL, 0},        {JSON_T_FALSE, NULL, 0},
                {JSON_T_ARRAY_OPEN, NULL, 0},  {JSON_T_ARRAY_CLOSE, NULL, 0},
                {JSON_T_ARRAY_CLOSE, NULL, 0}, {JSON_T_OBJECT_CLOSE, NULL, 0},
                {JSON_T_END, NULL, 0},         {JSON_T_END, NULL, 0}};
  char *block = exact(text, sizeof text - 1);
  struct json_walk w;
  size_t i;
  w.at = block;
  w.end = block + sizeof text - 1;
  for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    struct json_text t = {NULL, 0, 0};
    enum json_token token = json_next(&w, &t);
    CHECK_SAYS(token == wanted[i].token, "token %lu is %d", (unsigned long)i,
               (int)token);
    if (wanted[i].text != NULL)
      CHECK(t.length == strlen(wanted[i].text)
            && memcmp(t.data, wanted[i].text, t.length) == 0
            && t.escaped == wanted[i].escaped);
  }
  free(block);
}

/* A value that is one token, with nothing after it in memory. */
static void test_walk_alone (void) {
  static const struct {
    const char *text;
    enum json_token token;
  } wanted[] = {{"1", JSON_T_NUMBER},
                {"\"\"", JSON_T_STRING},
                {"null", JSON_T_NULL},
                {"-0.5E-7", JSON_T_NUMBER},
                {"\"\\\\\"", JSON_T_STRING}};
  size_t i;
  for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    size_t length = strlen(wanted[i].text);
    char *block = exact(wanted[i].text, length);
    struct json_text t;
    struct json_walk w;
    w.at = block;
    w.end = block + length;
    CHECK(json_next(&w, &t) == wanted[i].token);
    CHECK(json_next(&w, &t) == JSON_T_END && w.at == w.end);
    free(block);
  }
}

int main (void) {
  test_strings();
  test_find();
  test_types();
  test_numbers();
  test_number_memory();
  test_comma_locale();
  test_walk();
  test_walk_alone();
  return check_end();
}
