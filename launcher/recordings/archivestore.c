/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archivestore.h"

#include <string.h>

#include "archivestore-private.h"
#include "gcserror.h"

/* That the cloud takes. */
#define LONGEST_NAME 1024
#define NAME_CHARACTERS G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_./"

ArchiveStore *
archive_store_ref (ArchiveStore *store)
{
  g_atomic_int_inc (&store->n_refs);
  return store;
}

void
archive_store_unref (ArchiveStore *store)
{
  if (store == NULL || !g_atomic_int_dec_and_test (&store->n_refs))
    return;
  g_free (store->bucket);
  g_free (store->prefix);
  store->kind->free (store);
}

const char *
archive_store_get_bucket (ArchiveStore *store)
{
  return store->bucket;
}

/* They come from state files and the database, and become paths. */
static gboolean
check_name (const char *object, GError **error)
{
  g_auto (GStrv) words = g_strsplit (object, "/", -1);
  gboolean is_good = *object != '\0' && strlen (object) <= LONGEST_NAME &&
                     object[strspn (object, NAME_CHARACTERS)] == '\0';

  for (char **word = words; is_good && *word != NULL; word++)
    is_good = **word != '\0' && **word != '.';
  if (!is_good)
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "\"%s\" cannot be the name of a recording", object);
  return is_good;
}

char *
archive_store_name (ArchiveStore *store, const char *link, guint part)
{
  return g_strdup_printf (
      "%s%s/%u.mp4", store->prefix != NULL ? store->prefix : "", link, part);
}

/* What the prefix makes of all names. */
static gboolean
check_prefix (ArchiveStore *store, const Settings *settings, GError **error)
{
  g_autofree char *name = archive_store_name (store, "link", 0);
  g_autofree char *place = settings_get_place (settings, SETTING_CLOUD_PREFIX);

  if (check_name (name, NULL))
    return TRUE;
  g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
      "%s: expected letters, digits, - _ . and /, as in wishcast/", place);
  return FALSE;
}

ArchiveStore *
archive_store_new (const Settings *settings, GError **error)
{
  g_autoptr (ArchiveStore) store =
      settings_get_string (settings, SETTING_CLOUD_BUCKET) != NULL
          ? archive_cloud_new (settings, error)
          : archive_folder_new (
                settings_get_string (settings, SETTING_ARCHIVE_DIR), error);

  if (store == NULL)
    return NULL;
  store->n_refs = 1;
  return check_prefix (store, settings, error) ? g_steal_pointer (&store)
                                               : NULL;
}

gboolean
archive_store_prepare (
    ArchiveStore *store, const char *object, guint64 *offset, GError **error)
{
  *offset = 0;
  return check_name (object, error) &&
         store->kind->prepare (store, object, offset, error);
}

char *
archive_store_describe_sink (
    ArchiveStore *store, const char *object, const char *state_file)
{
  g_return_val_if_fail (check_name (object, NULL), NULL);

  return store->kind->describe_sink (store, object, state_file);
}

gboolean
archive_store_join (ArchiveStore *store, const char *head, const char *body,
    const char *object, const ArchiveObject *expected, gint64 expires,
    GCancellable *cancellable, GError **error)
{
  return check_name (head, error) && check_name (body, error) &&
         check_name (object, error) &&
         store->kind->join (
             store, head, body, object, expected, expires, cancellable, error);
}

gboolean
archive_store_stat (ArchiveStore *store, const char *object,
    ArchiveObject *found, GCancellable *cancellable, GError **error)
{
  return check_name (object, error) &&
         store->kind->stat (store, object, found, cancellable, error);
}

gboolean
archive_store_delete (ArchiveStore *store, const char *object,
    GCancellable *cancellable, GError **error)
{
  return check_name (object, error) &&
         store->kind->delete (store, object, cancellable, error);
}

gboolean
archive_store_open (ArchiveStore *store, const char *object, gint64 now,
    guint seconds, const char *disposition, char **address, char **path,
    GCancellable *cancellable, GError **error)
{
  *address = *path = NULL;
  return check_name (object, error) &&
         store->kind->open (store, object, now, seconds, disposition, address,
             path, cancellable, error);
}
