/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcskey.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gcserror.h"
#include "gcsjson.h"
#include "gcsrequest.h"

/* All that we do with objects. */
#define SCOPE "https://www.googleapis.com/auth/devstorage.read_write"
/* s. More than an hour is refused. */
#define ASSERTION_LIFE 3600
/* Google's files have 2.4 kB. */
#define MOST_BYTES (64 * 1024)
/* RSA with less is not signed with any more. */
#define LEAST_BITS 2048

struct _GcsKey {
  char *email;
  char *id;
  GUri *token_uri;
  EVP_PKEY *pkey;
};

static gboolean
complain (GError **error, const char *what)
{
  g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS, what);
  return FALSE;
}

/* --- the text ------------------------------------------------------------- */

/* OpenSSL would ask for a password at the terminal. */
static int
refuse_password (char *password, int size, int is_writing, void *data)
{
  return -1;
}

static EVP_PKEY *
parse_pem (const char *pem)
{
  BIO *bio = BIO_new_mem_buf (pem, -1);
  EVP_PKEY *pkey =
      bio != NULL ? PEM_read_bio_PrivateKey (bio, NULL, refuse_password, NULL)
                  : NULL;

  BIO_free (bio);
  ERR_clear_error ();
  return pkey;
}

static gboolean
read_private_key (GcsKey *key, JsonObject *json, GError **error)
{
  const char *pem;

  if (!gcs_json_text (json, "private_key", &pem, error))
    return FALSE;
  key->pkey = parse_pem (pem);
  if (key->pkey == NULL)
    return complain (error,
        strstr (pem, "ENCRYPTED") != NULL
            ? "\"private_key\" is encrypted, and nobody is there to type its "
              "password"
            : "\"private_key\" is not a private key in PEM");
  if (EVP_PKEY_get_base_id (key->pkey) != EVP_PKEY_RSA ||
      EVP_PKEY_get_bits (key->pkey) < LEAST_BITS)
    return complain (
        error, "\"private_key\" is not an RSA key of 2048 bits or more");
  return TRUE;
}

static gboolean
read_fields (GcsKey *key, JsonObject *json, GError **error)
{
  const char *type, *email, *id, *token_uri;

  if (!gcs_json_text (json, "type", &type, error))
    return FALSE;
  if (!g_str_equal (type, "service_account"))
    return complain (error,
        "\"type\" is not \"service_account\": make a key of a service account, "
        "in JSON");
  if (!gcs_json_text (json, "client_email", &email, error) ||
      !gcs_json_text (json, "private_key_id", &id, error) ||
      !gcs_json_text (json, "token_uri", &token_uri, error))
    return FALSE;
  if (strchr (email, '@') == NULL)
    return complain (error, "\"client_email\" is not an e-mail address");
  key->token_uri = gcs_uri_parse (token_uri);
  if (key->token_uri == NULL || !gcs_uri_is_private (key->token_uri))
    return complain (error, "\"token_uri\" is not https://…");
  key->email = g_strdup (email);
  key->id = g_strdup (id);
  return TRUE;
}

GcsKey *
gcs_key_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (GcsKey) key = g_new0 (GcsKey, 1);
  g_autoptr (JsonObject) json = NULL;
  g_autoptr (GError) why = NULL;

  json = gcs_json_parse (text, length, &why);
  if (json != NULL && read_fields (key, json, &why) &&
      read_private_key (key, json, &why))
    return g_steal_pointer (&key);
  complain (error, why->message);
  return NULL;
}

/* --- the file ------------------------------------------------------------- */

static gboolean
read_all (int fd, GString *text)
{
  char piece[4096];
  gssize n;

  while (text->len <= MOST_BYTES) {
    n = read (fd, piece, sizeof piece);
    if (n == 0)
      return TRUE;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    g_string_append_len (text, piece, n);
  }
  errno = EFBIG;
  return FALSE;
}

static gboolean
read_file (const char *path, GString *text, GError **error)
{
  /* A pipe that nobody writes to would not open. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  gboolean is_open_to_all = FALSE;
  gboolean is_read = FALSE;
  int code;

  if (fd >= 0 && fstat (fd, &info) == 0) {
    is_open_to_all = (info.st_mode & S_IRWXO) != 0;
    is_read = !is_open_to_all && read_all (fd, text);
  }
  code = errno;
  if (fd >= 0)
    close (fd);
  if (is_read)
    return TRUE;
  if (is_open_to_all)
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "%s: everybody on this machine can read it; run chmod o= on it", path);
  else
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS, "%s: %s", path,
        g_strerror (code));
  return FALSE;
}

GcsKey *
gcs_key_load (const char *path, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GcsKey *key;

  if (!read_file (path, text, error))
    return NULL;
  key = gcs_key_parse (text->str, text->len, error);
  OPENSSL_cleanse (text->str, text->len);
  if (key == NULL)
    g_prefix_error (error, "%s is no key file of a service account: ", path);
  return key;
}

void
gcs_key_free (GcsKey *key)
{
  if (key == NULL)
    return;
  g_free (key->email);
  g_free (key->id);
  g_clear_pointer (&key->token_uri, g_uri_unref);
  EVP_PKEY_free (key->pkey);
  g_free (key);
}

/* --- what it is used for -------------------------------------------------- */

const char *
gcs_key_get_email (const GcsKey *key)
{
  return key->email;
}

GUri *
gcs_key_get_token_uri (const GcsKey *key)
{
  return key->token_uri;
}

GBytes *
gcs_key_sign (const GcsKey *key, const void *data, gsize length, GError **error)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  gsize size = (gsize)EVP_PKEY_get_size (key->pkey);
  g_autofree guchar *signature = g_malloc (size);
  gboolean is_signed =
      context != NULL &&
      EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, key->pkey) == 1 &&
      EVP_DigestSign (context, signature, &size, data, length) == 1;

  EVP_MD_CTX_free (context);
  ERR_clear_error ();
  if (is_signed)
    return g_bytes_new_take (g_steal_pointer (&signature), size);
  g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
      "The key of %s cannot be signed with", key->email);
  return NULL;
}

/* RFC 7515: base64 for addresses, without what fills it up. */
static void
append_base64url (GString *text, const void *data, gsize length)
{
  g_autofree char *base64 = g_base64_encode (data, length);

  g_strdelimit (base64, "+", '-');
  g_strdelimit (base64, "/", '_');
  base64[strcspn (base64, "=")] = '\0';
  g_string_append (text, base64);
}

/* Frees @builder. */
static void
append_json (GString *text, JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *json = json_to_string (root, FALSE);

  append_base64url (text, json, strlen (json));
  g_object_unref (builder);
}

static void
add_text (JsonBuilder *builder, const char *member, const char *value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const char *member, gint64 value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_int_value (builder, value);
}

static JsonBuilder *
make_header (const GcsKey *key)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "alg", "RS256");
  add_text (builder, "typ", "JWT");
  add_text (builder, "kid", key->id);
  return json_builder_end_object (builder);
}

static JsonBuilder *
make_claims (const GcsKey *key, gint64 now)
{
  g_autofree char *audience = g_uri_to_string (key->token_uri);
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "iss", key->email);
  add_text (builder, "scope", SCOPE);
  add_text (builder, "aud", audience);
  add_number (builder, "iat", now);
  add_number (builder, "exp", now + ASSERTION_LIFE);
  return json_builder_end_object (builder);
}

char *
gcs_key_make_assertion (const GcsKey *key, gint64 now, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GBytes) signature = NULL;

  append_json (text, make_header (key));
  g_string_append_c (text, '.');
  append_json (text, make_claims (key, now));
  signature = gcs_key_sign (key, text->str, text->len, error);
  if (signature == NULL)
    return NULL;
  g_string_append_c (text, '.');
  append_base64url (
      text, g_bytes_get_data (signature, NULL), g_bytes_get_size (signature));
  return g_string_free (g_steal_pointer (&text), FALSE);
}
