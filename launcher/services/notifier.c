/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notifier.h"

#include "notifyparts.h"
#include "outboxrelay.h"

struct _Notifier {
  NoticeTexts *texts;
  NotifyStore *store;
  Fanout *fanout;     /* NULL: nobody is told */
  OutboxRelay *relay; /* NULL: there is no broker */
};

static WishlistSource *
make_source (gpointer data)
{
  return notify_store_open (data);
}

static gboolean
start_fanout (Notifier *notifier, const Settings *s, const char *conninfo,
    const char *public_url, GError **error)
{
  g_autoptr (GPtrArray) deliveries = notify_make_deliveries (s, error);
  FanoutSettings settings = {
      .conninfo = conninfo,
      .node = settings_get_string (s, SETTING_NODE_NAME),
      .public_url = public_url,
      .texts = notifier->texts,
      .max_rate = settings_get_uint (s, SETTING_NOTIFY_MAX_RATE),
      .deliveries = deliveries,
      .make_source = make_source,
      .data = notifier->store,
  };

  if (deliveries == NULL)
    return FALSE;
  if (deliveries->len == 0)
    g_message (
        "Nobody is told of broadcasts: [notify] webhook-url and [broker] "
        "bootstrap-servers are unset");
  else
    notifier->fanout = fanout_new (&settings);
  return TRUE;
}

static gboolean
start_relay (Notifier *notifier, const Settings *s, const char *conninfo,
    const char *public_url, GError **error)
{
  const char *brokers = settings_get_string (s, SETTING_BROKER_SERVERS);

  if (brokers == NULL)
    return TRUE;
  notifier->relay = outbox_relay_new (conninfo, brokers,
      settings_get_string (s, SETTING_BROKER_BROADCASTS_TOPIC), public_url,
      error);
  return notifier->relay != NULL;
}

Notifier *
notifier_new (const Settings *settings, const char *conninfo, GError **error)
{
  Notifier *notifier = g_new0 (Notifier, 1);
  g_autofree char *public_url = notify_make_public_url (settings);

  notifier->texts = notify_make_texts (settings);
  notifier->store = notify_store_new (settings, conninfo, error);
  if (notifier->store == NULL ||
      !start_fanout (notifier, settings, conninfo, public_url, error) ||
      !start_relay (notifier, settings, conninfo, public_url, error)) {
    notifier_free (notifier);
    return NULL;
  }
  return notifier;
}

void
notifier_free (Notifier *notifier)
{
  if (notifier == NULL)
    return;
  g_clear_pointer (&notifier->fanout, fanout_free);
  g_clear_pointer (&notifier->relay, outbox_relay_free);
  notify_store_free (notifier->store);
  notice_texts_free (notifier->texts);
  g_free (notifier);
}

void
notifier_get_stats (Notifier *notifier, FanoutStats *stats)
{
  *stats = (FanoutStats){0};
  if (notifier->fanout != NULL)
    fanout_get_stats (notifier->fanout, stats);
}
