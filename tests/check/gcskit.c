/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gcskit.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

EVP_PKEY *
gcs_kit_get_key (void)
{
  static EVP_PKEY *key;

  if (g_once_init_enter (&key)) {
    EVP_PKEY *made = EVP_RSA_gen (2048);

    g_assert_nonnull (made);
    g_once_init_leave (&key, made);
  }
  return key;
}

char *
gcs_kit_make_pem (EVP_PKEY *key, const char *password)
{
  BIO *bio = BIO_new (BIO_s_mem ());
  GString *text;
  char *data;
  long length;

  g_assert_cmpint (
      PEM_write_bio_PKCS8PrivateKey (bio, key,
          password != NULL ? EVP_aes_256_cbc () : NULL, password,
          password != NULL ? (int)strlen (password) : 0, NULL, NULL),
      ==, 1);
  length = BIO_get_mem_data (bio, &data);
  text = g_string_new_len (data, length);
  BIO_free (bio);
  g_string_replace (text, "\n", "\\n", 0);
  return g_string_free (text, FALSE);
}

static void
add_host (X509 *certificate, const char *host)
{
  g_autofree char *name = g_strdup_printf ("IP:%s", host);
  X509_EXTENSION *extension =
      X509V3_EXT_conf_nid (NULL, NULL, NID_subject_alt_name, name);

  g_assert_nonnull (extension);
  X509_add_ext (certificate, extension, -1);
  X509_EXTENSION_free (extension);
}

char *
gcs_kit_make_certificate (const char *host)
{
  X509 *certificate = X509_new ();
  X509_NAME *name = X509_get_subject_name (certificate);
  BIO *bio = BIO_new (BIO_s_mem ());
  char *data;
  char *text;
  long length;

  X509_set_version (certificate, X509_VERSION_3);
  ASN1_INTEGER_set (X509_get_serialNumber (certificate), 1);
  X509_gmtime_adj (X509_getm_notBefore (certificate), -3600);
  X509_gmtime_adj (X509_getm_notAfter (certificate), 3600);
  X509_NAME_add_entry_by_txt (
      name, "CN", MBSTRING_UTF8, (const guchar *)"test", -1, -1, 0);
  X509_set_issuer_name (certificate, name);
  X509_set_pubkey (certificate, gcs_kit_get_key ());
  add_host (certificate, host);
  g_assert_cmpint (
      X509_sign (certificate, gcs_kit_get_key (), EVP_sha256 ()), >, 0);
  g_assert_cmpint (PEM_write_bio_PKCS8PrivateKey (
                       bio, gcs_kit_get_key (), NULL, NULL, 0, NULL, NULL),
      ==, 1);
  g_assert_cmpint (PEM_write_bio_X509 (bio, certificate), ==, 1);
  length = BIO_get_mem_data (bio, &data);
  text = g_strndup (data, (gsize)length);
  BIO_free (bio);
  X509_free (certificate);
  return text;
}

char *
gcs_kit_make_json (const char *token_uri)
{
  g_autofree char *pem = gcs_kit_make_pem (gcs_kit_get_key (), NULL);

  return g_strdup_printf ("{\"type\": \"service_account\",\n"
                          "\"project_id\": \"shop\",\n"
                          "\"private_key_id\": \"" GCS_KIT_KEY_ID "\",\n"
                          "\"private_key\": \"%s\",\n"
                          "\"client_email\": \"" GCS_KIT_EMAIL "\",\n"
                          "\"client_id\": \"1\",\n"
                          "\"token_uri\": \"%s\",\n"
                          "\"universe_domain\": \"googleapis.com\"}\n",
      pem, token_uri != NULL ? token_uri : "https://oauth2.example/token");
}

char *
gcs_kit_write_file (const char *json)
{
  g_autoptr (GError) error = NULL;
  char *path;
  /* Of mode 0600. */
  int fd = g_file_open_tmp ("wishcast-gcs-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (write (fd, json, strlen (json)), ==, (gssize)strlen (json));
  close (fd);
  return path;
}

gboolean
gcs_kit_verify (const void *data, gsize length, const guint8 *signature,
    gsize signature_length)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  gboolean is_right = EVP_DigestVerifyInit (context, NULL, EVP_sha256 (), NULL,
                          gcs_kit_get_key ()) == 1 &&
                      EVP_DigestVerify (context, signature, signature_length,
                          data, length) == 1;

  EVP_MD_CTX_free (context);
  return is_right;
}
