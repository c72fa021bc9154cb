/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcssign.h"

#include <string.h>

#define ALGORITHM "GOOG4-RSA-SHA256"
#define PAYLOAD "UNSIGNED-PAYLOAD"
#define TIME_FORMAT "%Y%m%dT%H%M%SZ"
#define DATE_FORMAT "%Y%m%d"

static char *
format_time (const GcsSignRequest *request, const char *format)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (request->now / G_USEC_PER_SEC);

  return g_date_time_format (time, format);
}

/* Where and when a key is of use. */
static char *
make_scope (const GcsSignRequest *request)
{
  g_autofree char *date = format_time (request, DATE_FORMAT);

  return g_strconcat (date, "/auto/storage/goog4_request", NULL);
}

/* --- headers -------------------------------------------------------------- */

typedef struct {
  char *name; /* in lower case */
  char *value;
} Header;

static void
clear_header (gpointer data)
{
  Header *header = data;

  g_free (header->name);
  g_free (header->value);
}

static int
compare_headers (gconstpointer a, gconstpointer b)
{
  return strcmp (((const Header *)a)->name, ((const Header *)b)->name);
}

/* Without spaces around it, and with one for each row of them. */
static char *
fold (const char *value)
{
  GString *folded = g_string_new (NULL);

  for (; *value != '\0'; value++)
    if (!g_ascii_isspace (*value))
      g_string_append_c (folded, *value);
    else if (folded->len > 0 && folded->str[folded->len - 1] != ' ')
      g_string_append_c (folded, ' ');
  return g_strchomp (g_string_free (folded, FALSE));
}

static void
add_header (GArray *headers, const char *name, const char *value)
{
  Header header = {g_ascii_strdown (name, -1), fold (value)};

  g_array_append_val (headers, header);
}

/* Sorted by their names. */
static GArray *
list_headers (const GcsSignRequest *request)
{
  GArray *headers = g_array_new (FALSE, FALSE, sizeof (Header));

  g_array_set_clear_func (headers, clear_header);
  add_header (headers, "host", request->host);
  for (guint i = 0; request->headers != NULL && request->headers[i] != NULL;
       i += 2)
    add_header (headers, request->headers[i], request->headers[i + 1]);
  g_array_sort (headers, compare_headers);
  return headers;
}

/* "a;b;c" */
static char *
join_names (GArray *headers)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < headers->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ";" : "",
        g_array_index (headers, Header, i).name);
  return g_string_free (names, FALSE);
}

/* --- path and query ------------------------------------------------------- */

char *
gcs_sign_make_path (const char *bucket, const char *object)
{
  g_autofree char *escaped = g_uri_escape_string (object, "/", FALSE);

  return g_strconcat ("/", bucket, "/", escaped, NULL);
}

static char *
make_parameter (const char *name, const char *value)
{
  g_autofree char *escaped_name = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *escaped_value = g_uri_escape_string (value, NULL, FALSE);

  return g_strconcat (escaped_name, "=", escaped_value, NULL);
}

/* By the name alone, which is what stands before '='. */
static int
compare_parameters (gconstpointer a, gconstpointer b)
{
  const char *first = *(char *const *)a;
  const char *second = *(char *const *)b;
  gsize n_first = strcspn (first, "=");
  gsize n_second = strcspn (second, "=");
  int order = memcmp (first, second, MIN (n_first, n_second));

  if (order != 0)
    return order;
  return n_first == n_second ? strcmp (first, second)
                             : (n_first < n_second ? -1 : 1);
}

static void
add_own_parameters (const GcsSignRequest *request, GPtrArray *parameters)
{
  g_autoptr (GArray) headers = list_headers (request);
  g_autofree char *names = join_names (headers);
  g_autofree char *scope = make_scope (request);
  g_autofree char *credential = g_strconcat (request->email, "/", scope, NULL);
  g_autofree char *time = format_time (request, TIME_FORMAT);
  g_autofree char *seconds = g_strdup_printf ("%u", request->seconds);

  g_ptr_array_add (parameters, make_parameter ("X-Goog-Algorithm", ALGORITHM));
  g_ptr_array_add (
      parameters, make_parameter ("X-Goog-Credential", credential));
  g_ptr_array_add (parameters, make_parameter ("X-Goog-Date", time));
  g_ptr_array_add (parameters, make_parameter ("X-Goog-Expires", seconds));
  g_ptr_array_add (parameters, make_parameter ("X-Goog-SignedHeaders", names));
}

char *
gcs_sign_make_query (const GcsSignRequest *request)
{
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_free);
  const char *const *query = request->query;

  add_own_parameters (request, parameters);
  for (guint i = 0; query != NULL && query[i] != NULL; i += 2)
    g_ptr_array_add (parameters, make_parameter (query[i], query[i + 1]));
  g_ptr_array_sort (parameters, compare_parameters);
  g_ptr_array_add (parameters, NULL);
  return g_strjoinv ("&", (char **)parameters->pdata);
}

/* --- what is signed ------------------------------------------------------- */

char *
gcs_sign_make_canonical_request (const GcsSignRequest *request)
{
  g_autoptr (GArray) headers = list_headers (request);
  g_autofree char *path = gcs_sign_make_path (request->bucket, request->object);
  g_autofree char *query = gcs_sign_make_query (request);
  g_autofree char *names = join_names (headers);
  GString *text = g_string_new (NULL);

  g_string_printf (text, "%s\n%s\n%s\n", request->method, path, query);
  for (guint i = 0; i < headers->len; i++) {
    const Header *header = &g_array_index (headers, Header, i);

    g_string_append_printf (text, "%s:%s\n", header->name, header->value);
  }
  g_string_append_printf (text, "\n%s\n" PAYLOAD, names);
  return g_string_free (text, FALSE);
}

char *
gcs_sign_make_string (const GcsSignRequest *request)
{
  g_autofree char *canonical = gcs_sign_make_canonical_request (request);
  g_autofree char *digest =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, canonical, -1);
  g_autofree char *time = format_time (request, TIME_FORMAT);
  g_autofree char *scope = make_scope (request);

  return g_strjoin ("\n", ALGORITHM, time, scope, digest, NULL);
}

char *
gcs_sign_make_address (
    const GcsSignRequest *request, const char *scheme, GBytes *signature)
{
  g_autofree char *path = gcs_sign_make_path (request->bucket, request->object);
  g_autofree char *query = gcs_sign_make_query (request);
  const guint8 *bytes = g_bytes_get_data (signature, NULL);
  GString *address = g_string_new (NULL);

  g_string_printf (address, "%s://%s%s?%s&X-Goog-Signature=", scheme,
      request->host, path, query);
  for (gsize i = 0; i < g_bytes_get_size (signature); i++)
    g_string_append_printf (address, "%02x", bytes[i]);
  return g_string_free (address, FALSE);
}
