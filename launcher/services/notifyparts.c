/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notifyparts.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pgconnection.h"

#define NS_PER_S 1000000000

struct _NotifyStore {
  const Settings *settings;
  char *conninfo;
  char *token; /* or NULL */
};

/* --- files with secrets --------------------------------------------------- */

static gboolean fail (const Settings *settings, Setting setting, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

static gboolean
fail (const Settings *settings, Setting setting, GError **error,
    const char *format, ...)
{
  g_autofree char *place = settings_get_place (settings, setting);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (
      error, SETTINGS_ERROR, SETTINGS_ERROR_VALUE, "%s: %s", place, text);
  return FALSE;
}

/* The lines that have something. NULL and @error, also if there is none. */
static char **
read_secrets (const Settings *settings, Setting setting, GError **error)
{
  const char *path = settings_get_string (settings, setting);
  g_autoptr (GStrvBuilder) secrets = g_strv_builder_new ();
  g_autoptr (GError) why = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean has_some = FALSE;
  GStatBuf info;

  if (g_stat (path, &info) == 0 && (info.st_mode & S_IRWXO) != 0) {
    fail (settings, setting, error,
        "everybody on this machine can read %s; run chmod o= on it", path);
    return NULL;
  }
  if (!g_file_get_contents (path, &text, NULL, &why)) {
    fail (settings, setting, error, "%s", why->message);
    return NULL;
  }
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_strstrip (lines[i]);
    if (*lines[i] == '\0')
      continue;
    g_strv_builder_add (secrets, lines[i]);
    has_some = TRUE;
  }
  if (!has_some) {
    fail (settings, setting, error, "expected a secret in %s, which is empty",
        path);
    return NULL;
  }
  return g_strv_builder_end (secrets);
}

/* --- what is said --------------------------------------------------------- */

NoticeTexts *
notify_make_texts (const Settings *settings)
{
  NoticeTexts *texts = notice_texts_new ();
  g_autofree char **languages = settings_get_languages (settings);

  notice_texts_set (
      texts, NULL, settings_get_string (settings, SETTING_NOTICE_TEXT), NULL);
  for (guint i = 0; languages[i] != NULL; i++)
    notice_texts_set (texts, languages[i],
        settings_get_notice (settings, languages[i]), NULL);
  return texts;
}

char *
notify_make_public_url (const Settings *settings)
{
  char *url = g_strdup (settings_get_string (settings, SETTING_WWW_PUBLIC_URL));

  while (g_str_has_suffix (url, "/"))
    url[strlen (url) - 1] = '\0';
  return url;
}

/* --- where to ------------------------------------------------------------- */

static gboolean
add_webhook (const Settings *settings, GPtrArray *deliveries, GError **error)
{
  g_auto (GStrv) secrets = NULL;
  g_autoptr (GError) why = NULL;
  WebhookSettings webhook = {
      .url = settings_get_string (settings, SETTING_NOTIFY_WEBHOOK_URL),
      .batch = settings_get_uint (settings, SETTING_NOTIFY_WEBHOOK_BATCH),
      .body = WEBHOOK_BODY,
      .concurrency =
          settings_get_uint (settings, SETTING_NOTIFY_WEBHOOK_CONCURRENCY),
      .timeout =
          (guint)(settings_get_time (settings, SETTING_NOTIFY_WEBHOOK_TIMEOUT) /
                  NS_PER_S),
  };
  Delivery *delivery;

  if (webhook.url == NULL)
    return TRUE;
  if (settings_get_string (settings, SETTING_NOTIFY_WEBHOOK_SECRET_FILE) ==
      NULL)
    return fail (settings, SETTING_NOTIFY_WEBHOOK_URL, error,
        "needs webhook-secret-file beside it, as no notice goes out unsigned");
  secrets = read_secrets (settings, SETTING_NOTIFY_WEBHOOK_SECRET_FILE, error);
  if (secrets == NULL)
    return FALSE;
  webhook.secrets = (const char *const *)secrets;
  delivery = webhook_new (&webhook, &why);
  if (delivery == NULL)
    return fail (settings, SETTING_NOTIFY_WEBHOOK_SECRET_FILE, error, "%s",
        why->message);
  g_ptr_array_add (deliveries, delivery);
  return TRUE;
}

static gboolean
add_topic (const Settings *settings, GPtrArray *deliveries, GError **error)
{
  g_autoptr (GError) why = NULL;
  KafkaDeliverySettings kafka = {
      .brokers = settings_get_string (settings, SETTING_BROKER_SERVERS),
      .topic = settings_get_string (settings, SETTING_NOTIFY_KAFKA_TOPIC),
  };
  Delivery *delivery;

  if (kafka.brokers == NULL)
    return TRUE;
  delivery = kafka_delivery_new (&kafka, &why);
  if (delivery == NULL)
    return fail (settings, SETTING_BROKER_SERVERS, error, "%s", why->message);
  g_ptr_array_add (deliveries, delivery);
  return TRUE;
}

GPtrArray *
notify_make_deliveries (const Settings *settings, GError **error)
{
  g_autoptr (GPtrArray) deliveries =
      g_ptr_array_new_with_free_func ((GDestroyNotify)delivery_free);

  if (!add_webhook (settings, deliveries, error) ||
      !add_topic (settings, deliveries, error))
    return NULL;
  return g_steal_pointer (&deliveries);
}

/* --- the store ------------------------------------------------------------ */

NotifyStore *
notify_store_new (
    const Settings *settings, const char *conninfo, GError **error)
{
  g_autoptr (NotifyStore) store = g_new0 (NotifyStore, 1);
  const char *database =
      settings_get_string (settings, SETTING_WISHLIST_DATABASE);

  if (database != NULL && !pg_conninfo_check (database, NULL)) {
    fail (settings, SETTING_WISHLIST_DATABASE, error,
        "expected postgresql://USER@HOST/DATABASE or words like host=HOST "
        "dbname=DATABASE");
    return NULL;
  }
  store->settings = settings;
  store->conninfo = g_strdup (database != NULL ? database : conninfo);
  if (settings_get_string (settings, SETTING_WISHLIST_TOKEN_FILE) != NULL) {
    g_auto (GStrv) secrets =
        read_secrets (settings, SETTING_WISHLIST_TOKEN_FILE, error);

    if (secrets == NULL)
      return NULL;
    store->token = g_strdup (secrets[0]);
  }
  return g_steal_pointer (&store);
}

void
notify_store_free (NotifyStore *store)
{
  if (store == NULL)
    return;
  g_free (store->conninfo);
  g_free (store->token);
  g_free (store);
}

WishlistSource *
notify_store_open (NotifyStore *store)
{
  const char *url = settings_get_string (store->settings, SETTING_WISHLIST_URL);

  if (url != NULL)
    return wishlist_http_new (url, store->token);
  return wishlist_sql_new (store->conninfo,
      settings_get_string (store->settings, SETTING_WISHLIST_QUERY));
}
