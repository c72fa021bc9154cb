/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crc32c.h"
#include "gcserror.h"
#include "gcskey.h"
#include "gcskit.h"
#include "gcssign.h"

/* --- Checksums --------------------------------------------------------------------*/

/* RFC 3720, B.4. */
static void
test_crc32c_vectors (void)
{
  guint8 bytes[32] = {0};

  g_assert_cmphex (crc32c_update (0, bytes, sizeof bytes), ==, 0x8A9136AA);
  memset (bytes, 0xFF, sizeof bytes);
  g_assert_cmphex (crc32c_update (0, bytes, sizeof bytes), ==, 0x62A8AB43);
  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8)i;
  g_assert_cmphex (crc32c_update (0, bytes, sizeof bytes), ==, 0x46DD794E);
  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8)(sizeof bytes - 1 - i);
  g_assert_cmphex (crc32c_update (0, bytes, sizeof bytes), ==, 0x113FDB5C);
  g_assert_cmphex (crc32c_update (0, "123456789", 9), ==, 0xE3069283);
  g_assert_cmphex (crc32c_update (0, NULL, 0), ==, 0);
}

/* The checksum of two texts is that of what they make, however it is got. */
static void
test_crc32c_parts (void)
{
  enum { SIZE = 4099 };
  g_autofree guint8 *bytes = g_malloc (SIZE);
  guint32 whole;

  for (guint i = 0; i < SIZE; i++)
    bytes[i] = (guint8)(g_test_rand_int_range (0, 256));
  whole = crc32c_update (0, bytes, SIZE);
  for (gsize cut = 0; cut <= SIZE; cut++) {
    guint32 first = crc32c_update (0, bytes, cut);
    guint32 second = crc32c_update (0, bytes + cut, SIZE - cut);

    g_assert_cmphex (crc32c_update (first, bytes + cut, SIZE - cut), ==, whole);
    g_assert_cmphex (crc32c_combine (first, second, SIZE - cut), ==, whole);
  }
}

/* More than can be read here: 6 GiB of zeros, by doubling. */
static void
test_crc32c_large (void)
{
  g_autofree guint8 *zeros = g_malloc0 (1 << 20);
  guint32 mebibyte = crc32c_update (0, zeros, 1 << 20);
  guint32 doubled = mebibyte;
  guint32 tripled;
  guint64 size = 1 << 20;

  for (; size < G_GUINT64_CONSTANT (2) << 30; size *= 2)
    doubled = crc32c_combine (doubled, doubled, size);
  tripled =
      crc32c_combine (crc32c_combine (doubled, doubled, size), doubled, size);
  g_assert_cmphex (tripled, ==,
      crc32c_combine (
          doubled, crc32c_combine (doubled, doubled, size), 2 * size));
  /* The one that is read: a bit more than 2^31 would be too slow, so 2^24. */
  doubled = mebibyte;
  for (guint i = 0; i < 15; i++)
    doubled = crc32c_update (doubled, zeros, 1 << 20);
  size = 1 << 20;
  for (guint i = 0; i < 4; i++, size *= 2)
    mebibyte = crc32c_combine (mebibyte, mebibyte, size);
  g_assert_cmphex (mebibyte, ==, doubled);
}

static void
test_crc32c_base64 (void)
{
  static const char *const wrong[] = {"", "4waSgw", "4waSgw=", "4waSgw=\n",
      "4waS*w==", "4waSgwA=", "4waSgwAA", "4waSgx==", "4waSgw==A", "========"};
  char text[9];
  guint32 crc = 1;

  crc32c_to_base64 (0xE3069283, text);
  g_assert_cmpstr (text, ==, "4waSgw==");
  g_assert_true (crc32c_from_base64 (text, &crc));
  g_assert_cmphex (crc, ==, 0xE3069283);
  crc32c_to_base64 (0, text);
  g_assert_cmpstr (text, ==, "AAAAAA==");
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    if (crc32c_from_base64 (wrong[i], &crc))
      g_error ("\"%s\" was taken", wrong[i]);
}

/* --- V4 signing -------------------------------------------------------------------*/

#define ACCOUNT "archiver%40shop.iam.gserviceaccount.com"
#define OWN(date, time, expires, headers)                                      \
  "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=" ACCOUNT "%2F" date    \
  "%2Fauto%2Fstorage%2Fgoog4_request&X-Goog-Date=" date "T" time               \
  "Z&X-Goog-Expires=" expires "&X-Goog-SignedHeaders=" headers
#define TO_SIGN(date, time, digest)                                            \
  "GOOG4-RSA-SHA256\n" date "T" time "Z\n" date                                \
  "/auto/storage/goog4_request\n" digest

/* In the form of Google's conformance data. */
typedef struct {
  const char *description;
  const char *method, *bucket, *object, *host;
  const char *timestamp;
  guint expiration;
  const char *headers[7], *query[13];
  const char *canonical_request;
  const char *string_to_sign; /* the digest is by sha256sum */
} Vector;

static const Vector vectors[] = {
    {"a simple GET", "GET", "shop-recordings", "k3v7q2m5x4t6w2ab.mp4",
        "storage.googleapis.com", "2026-03-01T18:00:00Z", 600, {NULL}, {NULL},
        "GET\n/shop-recordings/k3v7q2m5x4t6w2ab.mp4\n" OWN ("20260301",
            "180000", "600",
            "host") "\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD",
        TO_SIGN ("20260301", "180000",
            "c9f9b9da0dde6265d962a15921535971339c41214748d846020d55344075997"
            "1")},
    {"a download", "GET", "shop-recordings", "wishcast/k3v7q2m5x4t6w2ab/1.mp4",
        "storage.googleapis.com", "2026-03-01T18:00:00Z", 604800, {NULL},
        {"response-content-type", "video/mp4", "response-content-disposition",
            "attachment; filename=\"Half-Life - 1.mp4\"; "
            "filename*=UTF-8''Half-Life%20-%201.mp4"},
        "GET\n/shop-recordings/wishcast/k3v7q2m5x4t6w2ab/1.mp4\n" OWN (
            "20260301", "180000", "604800",
            "host") "&response-content-disposition=attachment%3B%20filename%3D"
                    "%22Half-Life%20-%201.mp4%22%3B%20filename%2A%3DUTF-8%27%27"
                    "Half-Life%2520-%25201.mp4&response-content-type=video%2Fmp"
                    "4\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD",
        TO_SIGN ("20260301", "180000",
            "9ff1411e56d9b56a6aa4fd688a2ab096b69495894d113ca107498032ae32b31"
            "f")},
    {"a name with everything", "GET", "shop-recordings",
        "a b/\320\272\320\276\321\202~c+d=e&f?g#h%i;j:k@l,'(m)*!.mp4",
        "storage.googleapis.com", "2024-02-29T23:59:59Z", 1, {NULL}, {NULL},
        "GET\n/shop-recordings/a%20b/%D0%BA%D0%BE%D1%82~c%2Bd%3De%26f%3Fg%23h"
        "%25i%3Bj%3Ak%40l%2C%27%28m%29%2A%21.mp4\n" OWN ("20240229", "235959",
            "1", "host") "\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-"
                         "PAYLOAD",
        TO_SIGN ("20240229", "235959",
            "80a37e96e94f17e48bfd042b4abe4450835076565e88c24d87bc5c281acd1ec"
            "d")},
    {"slashes stay", "GET", "shop-recordings", "//a//b/",
        "storage.googleapis.com", "2024-02-29T23:59:59Z", 1, {NULL}, {NULL},
        "GET\n/shop-recordings///a//b/\n" OWN ("20240229", "235959", "1",
            "host") "\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD",
        TO_SIGN ("20240229", "235959",
            "136eb6a2fc68941b278f4361c9b432b3bcc208d0cec3c2349a2e1b716e9ecb0"
            "0")},
    {"headers are folded and sorted", "PUT", "shop-recordings", "o",
        "storage.googleapis.com", "2026-03-01T18:00:00Z", 10,
        {"X-Goog-Meta-Note", "  a \t b\n  c ", "Content-Type", "video/mp4"},
        {NULL},
        "PUT\n/shop-recordings/o\n" OWN ("20260301", "180000", "10",
            "content-type%3Bhost%3Bx-goog-meta-note") "\ncontent-type:video/"
                                                      "mp4\nhost:storage."
                                                      "googleapis.com\nx-goog-"
                                                      "meta-note:a b c\n\n"
                                                      "content-type;host;x-"
                                                      "goog-meta-note\n"
                                                      "UNSIGNED-PAYLOAD",
        TO_SIGN ("20260301", "180000",
            "b8704e6a18d04ff735149defb966a68e19c2d3033feb11f7b8ddb161cdb64fd"
            "3")},
    {"the query is sorted by its names", "GET", "shop-recordings", "o",
        "127.0.0.1:4443", "2026-03-01T18:00:00Z", 10, {NULL},
        {"ab", "3", "a-b", "4", "a\303\251", "+", "a", "1", "A", "2"},
        "GET\n/shop-recordings/o\nA=2&" OWN ("20260301", "180000", "10",
            "host") "&a=1&a%C3%A9=%2B&a-b=4&ab=3\nhost:127.0.0.1:4443\n\nhost\n"
                    "UNSIGNED-PAYLOAD",
        TO_SIGN ("20260301", "180000",
            "cf443b4637ccc0134788dcc5259dfbe4e4586ee84b87a51807bff2e3b4fc723"
            "3")},
};

static GcsSignRequest
make_request (const Vector *vector)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_iso8601 (vector->timestamp, NULL);

  return (GcsSignRequest){.method = vector->method,
      .host = vector->host,
      .email = GCS_KIT_EMAIL,
      .bucket = vector->bucket,
      .object = vector->object,
      .query = vector->query,
      .headers = vector->headers,
      .now = g_date_time_to_unix (time) * G_USEC_PER_SEC,
      .seconds = vector->expiration};
}

static void
test_vector (gconstpointer data)
{
  const Vector *vector = data;
  GcsSignRequest request = make_request (vector);
  g_autofree char *canonical = gcs_sign_make_canonical_request (&request);
  g_autofree char *text = gcs_sign_make_string (&request);

  g_assert_cmpstr (canonical, ==, vector->canonical_request);
  g_assert_cmpstr (text, ==, vector->string_to_sign);
}

static GcsKey *
make_key (void)
{
  g_autofree char *json = gcs_kit_make_json (NULL);
  g_autoptr (GError) error = NULL;
  GcsKey *key = gcs_key_parse (json, strlen (json), &error);

  g_assert_no_error (error);
  return key;
}

static guint8 *
parse_hex (const char *hex, gsize *length)
{
  guint8 *bytes;

  *length = strlen (hex) / 2;
  bytes = g_malloc (*length);
  for (gsize i = 0; i < *length; i++)
    bytes[i] = (guint8)(g_ascii_xdigit_value (hex[2 * i]) << 4 |
                        g_ascii_xdigit_value (hex[2 * i + 1]));
  return bytes;
}

/* What is handed out is the request that was signed, with a signature that only
 * our key makes. */
static void
test_address (void)
{
  g_autoptr (GcsKey) key = make_key ();
  GcsSignRequest request = make_request (&vectors[1]);
  g_autofree char *text = gcs_sign_make_string (&request);
  g_autofree char *query = gcs_sign_make_query (&request);
  g_autofree char *begin = g_strdup_printf (
      "https://storage.googleapis.com/shop-recordings/wishcast/"
      "k3v7q2m5x4t6w2ab/1.mp4?%s&X-Goog-Signature=",
      query);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) signature =
      gcs_key_sign (key, text, strlen (text), &error);
  g_autofree char *address = NULL;
  g_autofree guint8 *bytes = NULL;
  gsize length;

  g_assert_no_error (error);
  address = gcs_sign_make_address (&request, "https", signature);
  g_assert_true (g_str_has_prefix (address, begin));
  bytes = parse_hex (address + strlen (begin), &length);
  g_assert_cmpuint (length, ==, 256);
  g_assert_true (gcs_kit_verify (text, strlen (text), bytes, length));
  bytes[17] ^= 1;
  g_assert_false (gcs_kit_verify (text, strlen (text), bytes, length));
}

/* The same by another program. */
static void
test_command_line (void)
{
  g_autoptr (GcsKey) key = make_key ();
  g_autofree char *pem = gcs_kit_make_pem (gcs_kit_get_key (), NULL);
  g_autoptr (GString) lines = g_string_new (pem);
  g_autoptr (GBytes) ours = gcs_key_sign (key, "hello", 5, NULL);
  g_autofree char *key_path = NULL, *data_path = NULL, *theirs = NULL;
  gsize length;
  const char *const argv[] = {"sh", "-c",
      "openssl dgst -sha256 -sign \"$0\" -binary \"$1\" | base64 -w 0", NULL,
      NULL, NULL};
  const char *words[6];
  g_autofree guint8 *bytes = NULL;

  g_string_replace (lines, "\\n", "\n", 0);
  key_path = gcs_kit_write_file (lines->str);
  data_path = gcs_kit_write_file ("hello");
  memcpy (words, argv, sizeof words);
  words[3] = key_path;
  words[4] = data_path;
  g_assert_true (g_spawn_sync (NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, &theirs, NULL, NULL, NULL));
  bytes = g_base64_decode (theirs, &length);
  g_assert_cmpmem (
      bytes, length, g_bytes_get_data (ours, NULL), g_bytes_get_size (ours));
  g_unlink (key_path);
  g_unlink (data_path);
}

/* --- Key files --------------------------------------------------------------------*/

/* What must stand in none of the messages about @pem. */
static void
assert_no_secret (const GError *error, const char *pem)
{
  g_autofree char *some = g_strndup (pem + strlen (pem) / 2, 12);

  g_assert_null (strstr (error->message, some));
  g_assert_null (strstr (error->message, "MII"));
}

static void
refuse_json (const char *json, const char *pem, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (gcs_key_parse (json, strlen (json), &error));
  g_assert_error (error, GCS_ERROR, GCS_ERROR_SETTINGS);
  assert_no_secret (error, pem);
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
}

/* Each field with another value, or none. */
static void
test_key_fields (void)
{
  static const struct {
    const char *field, *value, *expected;
  } cases[] = {
      {"type", NULL, "\"type\" is not there"},
      {"type", "\"authorized_user\"", "make a key of a service account"},
      {"type", "7", "\"type\" is not there, or is not a text"},
      {"client_email", NULL, "\"client_email\" is not there"},
      {"client_email", "\"\"", "\"client_email\" is not there"},
      {"client_email", "\"hunter\"", "is not an e-mail address"},
      {"private_key_id", NULL, "\"private_key_id\" is not there"},
      {"private_key_id", "null", "\"private_key_id\" is not there"},
      {"token_uri", NULL, "\"token_uri\" is not there"},
      {"token_uri", "\"http://oauth2.example/token\"", "not https://"},
      {"token_uri", "\"ftp://oauth2.example/token\"", "not https://"},
      {"token_uri", "\"oauth2\"", "not https://"},
      {"private_key", NULL, "\"private_key\" is not there"},
      {"private_key", "\"-----BEGIN PRIVATE KEY-----\\nTUlJ\\n\"",
          "not a private key in PEM"},
      {"private_key", "[]", "\"private_key\" is not there"},
  };
  g_autofree char *json = gcs_kit_make_json (NULL);
  g_autofree char *pem = gcs_kit_make_pem (gcs_kit_get_key (), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *pattern =
        g_strdup_printf ("\"%s\": \"[^\"]*\",", cases[i].field);
    g_autofree char *line =
        cases[i].value != NULL
            ? g_strdup_printf ("\"%s\": %s,", cases[i].field, cases[i].value)
            : g_strdup ("");
    g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
    g_autofree char *changed =
        g_regex_replace_literal (regex, json, -1, 0, line, 0, NULL);

    g_assert_cmpstr (changed, !=, json);
    refuse_json (changed, pem, cases[i].expected);
  }
}

static void
refuse_key (EVP_PKEY *key, const char *password, const char *expected)
{
  g_autofree char *json = gcs_kit_make_json (NULL);
  g_autofree char *good = gcs_kit_make_pem (gcs_kit_get_key (), NULL);
  g_autofree char *bad = gcs_kit_make_pem (key, password);
  g_autoptr (GString) text = g_string_new (json);

  g_assert_cmpuint (g_string_replace (text, good, bad, 0), ==, 1);
  refuse_json (text->str, bad, expected);
}

static void
test_other_keys (void)
{
  EVP_PKEY *curve = EVP_EC_gen ("P-256");
  EVP_PKEY *small = EVP_RSA_gen (1024);

  refuse_key (curve, NULL, "is not an RSA key of 2048 bits or more");
  refuse_key (small, NULL, "is not an RSA key of 2048 bits or more");
  refuse_key (gcs_kit_get_key (), "hunter2", "is encrypted");
  EVP_PKEY_free (curve);
  EVP_PKEY_free (small);
}

static void
test_no_json (void)
{
  static const char *const cases[] = {"", "hello", "[]", "{",
      "{\"type\": ", "\"MIIEvQIBADANBgkqhkiG9w0\"",
      "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n", "{\"type\": \"\xff\"}"};
  g_autofree char *deep = g_strnfill (100000, '[');

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    refuse_json (cases[i], "MIIEvQIBADAN", "it is no");
  refuse_json (deep, "MIIEvQIBADAN", "it is no JSON");
}

static void
refuse_file (const char *path, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (gcs_key_load (path, &error));
  g_assert_error (error, GCS_ERROR, GCS_ERROR_SETTINGS);
  g_assert_true (g_str_has_prefix (error->message, path));
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
}

static void
test_files (void)
{
  g_autofree char *json = gcs_kit_make_json (NULL);
  g_autofree char *path = gcs_kit_write_file (json);
  g_autofree char *large = g_strnfill (70000, ' ');
  g_autoptr (GError) error = NULL;
  g_autoptr (GcsKey) key = gcs_key_load (path, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (gcs_key_get_email (key), ==, GCS_KIT_EMAIL);
  g_chmod (path, 0604);
  refuse_file (path, "everybody on this machine can read it; run chmod o=");
  g_chmod (path, 0640);
  g_assert_true (g_file_set_contents_full (
      path, large, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error));
  refuse_file (path, "File too large");
  g_assert_true (g_file_set_contents_full (
      path, "{}", -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error));
  refuse_file (path, "is no key file of a service account: \"type\"");
  g_unlink (path);
  refuse_file (path, "No such file");
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  refuse_file (path, "Is a directory");
  g_rmdir (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gcssign/crc32c/vectors", test_crc32c_vectors);
  g_test_add_func ("/gcssign/crc32c/parts", test_crc32c_parts);
  g_test_add_func ("/gcssign/crc32c/large", test_crc32c_large);
  g_test_add_func ("/gcssign/crc32c/base64", test_crc32c_base64);
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autofree char *path =
        g_strdup_printf ("/gcssign/vector/%s", vectors[i].description);

    g_test_add_data_func (path, &vectors[i], test_vector);
  }
  g_test_add_func ("/gcssign/address", test_address);
  g_test_add_func ("/gcssign/command-line", test_command_line);
  g_test_add_func ("/gcssign/key/fields", test_key_fields);
  g_test_add_func ("/gcssign/key/others", test_other_keys);
  g_test_add_func ("/gcssign/key/no-json", test_no_json);
  g_test_add_func ("/gcssign/key/files", test_files);
  return g_test_run ();
}
