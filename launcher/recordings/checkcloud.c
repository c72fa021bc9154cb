/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "checkcloud.h"

#include <json-glib/json-glib.h>

#include "folderspace.h"
#include "gcsbucket.h"
#include "gcserror.h"
#include "gcsrequest.h"

#define ROLE "Storage Object User (roles/storage.objectUser)"
/* Days. What is left of an upload is of no use when its session, of a week, is
 * over. */
#define LEFTOVER_AGE 8

typedef struct {
  const Settings *settings;
  const char *name, *prefix; /* of the bucket, and of its objects or NULL */
  GcsCredentials *credentials;
  GcsBucket *bucket;
  char *account; /* for people */
} Cloud;

static void
cloud_clear (Cloud *cloud)
{
  g_clear_pointer (&cloud->bucket, gcs_bucket_free);
  g_clear_pointer (&cloud->credentials, gcs_credentials_unref);
  g_clear_pointer (&cloud->account, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Cloud, cloud_clear)

static gboolean
place (const Settings *settings, Setting setting, GError **error)
{
  g_autofree char *where = settings_get_place (settings, setting);

  g_prefix_error (error, "%s: ", where);
  return FALSE;
}

/* --- the bucket ----------------------------------------------------------- */

static gboolean
find_account (Cloud *cloud, GError **error)
{
  SoupSession *session = gcs_session_new ();
  g_autoptr (GError) why = NULL;

  cloud->account =
      gcs_credentials_get_email (cloud->credentials, session, NULL, &why);
  gcs_session_free (session);
  if (why != NULL) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  if (cloud->account == NULL)
    cloud->account = g_strdup ("nobody, as of an emulator");
  return TRUE;
}

static gboolean
open_cloud (Cloud *cloud, GError **error)
{
  const Settings *settings = cloud->settings;
  GcsBucketSettings bucket = {
      .bucket = cloud->name,
      .endpoint = settings_get_string (settings, SETTING_CLOUD_ENDPOINT),
  };

  cloud->credentials = gcs_credentials_find (
      settings_get_string (settings, SETTING_CLOUD_CREDENTIALS_FILE),
      bucket.endpoint, error);
  if (cloud->credentials == NULL || !find_account (cloud, error))
    return place (settings, SETTING_CLOUD_CREDENTIALS_FILE, error);
  bucket.credentials = cloud->credentials;
  cloud->bucket = gcs_bucket_new (&bucket, error);
  return cloud->bucket != NULL || place (settings, SETTING_CLOUD_BUCKET, error);
}

static gboolean
check_permissions (Cloud *cloud, GError **error)
{
  g_autofree char *missing = NULL;

  if (!gcs_bucket_check (cloud->bucket, &missing, NULL, error))
    return place (cloud->settings, SETTING_CLOUD_BUCKET, error);
  if (missing == NULL)
    return TRUE;
  g_set_error (error, GCS_ERROR, GCS_ERROR_DENIED,
      "%s lacks %s; give it the role " ROLE " on gs://%s", cloud->account,
      missing, cloud->name);
  return place (cloud->settings, SETTING_CLOUD_BUCKET, error);
}

/* A viewer's download needs it. Who has no key asks the IAM service, which may
 * not let them. */
static gboolean
check_signing (Cloud *cloud, GError **error)
{
  g_autofree char *address = gcs_bucket_sign (
      cloud->bucket, "check", g_get_real_time (), 1, NULL, NULL, NULL, error);

  return address != NULL ||
         place (cloud->settings, SETTING_CLOUD_CREDENTIALS_FILE, error);
}

/* --- its lifecycle -------------------------------------------------------- */

static void
add_texts (JsonBuilder *builder, const char *member, const char *const *texts)
{
  json_builder_set_member_name (builder, member);
  json_builder_begin_array (builder);
  for (guint i = 0; texts[i] != NULL; i++)
    json_builder_add_string_value (builder, texts[i]);
  json_builder_end_array (builder);
}

/* @suffixes: or NULL */
static void
add_rule (JsonBuilder *builder, const char *prefix, const char *condition,
    int days, const char *const *suffixes)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "action");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, "Delete");
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "condition");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, condition);
  json_builder_add_int_value (builder, days);
  if (prefix != NULL)
    add_texts (builder, "matchesPrefix", (const char *const[]){prefix, NULL});
  if (suffixes != NULL)
    add_texts (builder, "matchesSuffix", suffixes);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}

static char *
make_lifecycle (const char *prefix)
{
  static const char *const pieces[] = {".head", ".body", NULL};
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "rule");
  json_builder_begin_array (builder);
  /* The custom time of a recording is when it expires; days are all that Google
   * counts in. */
  add_rule (builder, prefix, "daysSinceCustomTime", 1, NULL);
  add_rule (builder, prefix, "age", LEFTOVER_AGE, pieces);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}

/* Below the word that its line begins with. */
static char *
indent (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  return g_strjoinv ("\n       ", lines);
}

static char *
describe (const Cloud *cloud)
{
  g_autofree char *lifecycle = make_lifecycle (cloud->prefix);
  g_autofree char *words = g_strdup_printf (
      "cloud: gs://%s, as %s\n"
      "Should no node be there to delete what has expired, the bucket can do\n"
      "it, within two days: recordings a day after their custom time, which "
      "is\n"
      "when they expire, and what is left of uploads after %d. Put this into\n"
      "lifecycle.json and run\n"
      "gcloud storage buckets update gs://%s --lifecycle-file=lifecycle.json\n"
      "which replaces the rules that the bucket has:",
      cloud->name, cloud->account, LEFTOVER_AGE, cloud->name);
  g_autofree char *indented = indent (words);

  return g_strjoin ("\n", indented, lifecycle, NULL);
}

/* --- either --------------------------------------------------------------- */

static gboolean
check_folder (const Settings *settings, char **text, GError **error)
{
  g_autofree char *where = settings_get_place (settings, SETTING_ARCHIVE_DIR);
  g_autofree char *found = NULL;

  if (!folder_space_check (
          settings_get_string (settings, SETTING_ARCHIVE_DIR), &found, error))
    return place (settings, SETTING_ARCHIVE_DIR, error);
  *text = g_strdup_printf ("%s: %s", where, found);
  return TRUE;
}

gboolean
check_cloud (const Settings *settings, char **text, GError **error)
{
  const char *prefix = settings_get_string (settings, SETTING_CLOUD_PREFIX);
  g_auto (Cloud) cloud = {.settings = settings,
      .name = settings_get_string (settings, SETTING_CLOUD_BUCKET),
      .prefix = prefix != NULL && *prefix != '\0' ? prefix : NULL};

  if (cloud.name == NULL)
    return check_folder (settings, text, error);
  if (!open_cloud (&cloud, error) || !check_permissions (&cloud, error) ||
      !check_signing (&cloud, error))
    return FALSE;
  *text = describe (&cloud);
  return TRUE;
}
