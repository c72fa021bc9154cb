/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "apimetrics.h"

#include "metrics.h"

struct _ApiMetrics {
  char *node;
  Catalogue *catalogue;
  EventStreams *streams;
  Overview *overview;
  Broadcasts *broadcasts; /* or NULL */
  Registrar *registrar;   /* of the broadcasts, or NULL */
  Viewers *viewers;
  Notifier *notifier;   /* or NULL */
  Archiver *archiver;   /* or NULL */
  CacheKeeper *keeper;  /* or NULL */
  Retention *retention; /* or NULL */
  ApiNotifications *notifications;
  GHashTable *requests[N_API_ROUTES]; /* status -> count */
};

ApiMetrics *
api_metrics_new (const ApiSettings *settings, Catalogue *catalogue,
    EventStreams *streams, ApiNotifications *notifications)
{
  ApiMetrics *metrics = g_new0 (ApiMetrics, 1);

  metrics->node = g_strdup (settings->node);
  metrics->catalogue = catalogue;
  metrics->streams = streams;
  metrics->overview = settings->overview;
  metrics->broadcasts = settings->broadcasts;
  metrics->viewers = settings->viewers;
  metrics->notifier = settings->notifier;
  metrics->archiver = settings->archiver;
  metrics->keeper = settings->keeper;
  metrics->retention = settings->retention;
  metrics->notifications = notifications;
  if (settings->broadcasts != NULL)
    metrics->registrar = registrar_acquire (settings->conninfo);
  for (guint i = 0; i < N_API_ROUTES; i++)
    metrics->requests[i] = g_hash_table_new (NULL, NULL);
  return metrics;
}

void
api_metrics_free (ApiMetrics *metrics)
{
  if (metrics == NULL)
    return;
  g_clear_pointer (&metrics->registrar, registrar_unref);
  for (guint i = 0; i < N_API_ROUTES; i++)
    g_hash_table_unref (metrics->requests[i]);
  g_free (metrics->node);
  g_free (metrics);
}

void
api_metrics_count (ApiMetrics *metrics, ApiRouteKind route, guint status)
{
  GHashTable *counts = metrics->requests[route];
  gpointer key = GUINT_TO_POINTER (status);
  gsize n = GPOINTER_TO_SIZE (g_hash_table_lookup (counts, key));

  g_hash_table_insert (counts, key, GSIZE_TO_POINTER (n + 1));
}

static void
write_catalogue (ApiMetrics *metrics, GString *text)
{
  metrics_begin (text, "wishcast_broadcasts", "gauge",
      "Broadcasts of all nodes that are not over, by state.");
  for (CatalogueState i = 0; i < CATALOGUE_ENDED; i++)
    metrics_add (text, "wishcast_broadcasts",
        catalogue_count (metrics->catalogue, i), "state",
        catalogue_state_to_string (i), NULL);
  metrics_begin (text, "wishcast_catalogue_connected", "gauge",
      "1 while the API follows the database.");
  metrics_add (text, "wishcast_catalogue_connected",
      catalogue_get_stale_since (metrics->catalogue) == 0, NULL);
  metrics_begin (text, "wishcast_catalogue_last_event", "gauge",
      "Id of the last event that the API knows.");
  metrics_add (text, "wishcast_catalogue_last_event",
      (double)catalogue_get_last_event (metrics->catalogue), NULL);
}

static void
write_nodes (ApiMetrics *metrics, GString *text)
{
  metrics_begin (text, "wishcast_nodes", "gauge",
      "Nodes that were there in the last day, by whether they are still.");
  metrics_add (text, "wishcast_nodes", overview_count (metrics->overview, TRUE),
      "alive", "true", NULL);
  metrics_add (text, "wishcast_nodes",
      overview_count (metrics->overview, FALSE), "alive", "false", NULL);
}

static void
write_requests (ApiMetrics *metrics, GString *text)
{
  metrics_begin (text, "wishcast_api_requests_total", "counter",
      "Answers of the API, by route and status.");
  for (guint i = 0; i < N_API_ROUTES; i++) {
    GHashTableIter iter;
    gpointer status, count;

    g_hash_table_iter_init (&iter, metrics->requests[i]);
    while (g_hash_table_iter_next (&iter, &status, &count)) {
      g_autofree char *code = g_strdup_printf ("%u", GPOINTER_TO_UINT (status));

      metrics_add (text, "wishcast_api_requests_total",
          (double)GPOINTER_TO_SIZE (count), "route", api_route_get_template (i),
          "status", code, NULL);
    }
  }
}

/* Counters and gauges of one broadcast of this node. */
static const struct {
  const char *name, *type, *help;
  goffset structure; /* in BroadcastStatus; 0: its bytes */
  const char *field;
} of_links[] = {
    {"wishcast_ingest_bytes_total", "counter",
        "Bytes received from the publisher.", 0, NULL},
    {"wishcast_origin_parts_total", "counter",
        "Parts that became visible to players.",
        G_STRUCT_OFFSET (BroadcastStatus, origin), "parts"},
    {"wishcast_origin_parts_not_stored_total", "counter",
        "Parts that became visible before they were stored.",
        G_STRUCT_OFFSET (BroadcastStatus, origin), "parts-not-stored"},
    {"wishcast_origin_dropped_chunks_total", "counter",
        "Chunks that the origin refused.",
        G_STRUCT_OFFSET (BroadcastStatus, origin), "dropped"},
    {"wishcast_origin_waiting_requests", "gauge",
        "Requests of players that wait for a part.",
        G_STRUCT_OFFSET (BroadcastStatus, origin), "waiting"},
    {"wishcast_cache_appended_bytes_total", "counter", "Bytes stored.",
        G_STRUCT_OFFSET (BroadcastStatus, cache), "appended-bytes"},
    {"wishcast_cache_dropped_chunks_total", "counter",
        "Chunks that could not be stored: the recording is incomplete.",
        G_STRUCT_OFFSET (BroadcastStatus, cache), "dropped-chunks"},
    {"wishcast_cache_queued_bytes", "gauge", "Bytes that wait for the disk.",
        G_STRUCT_OFFSET (BroadcastStatus, cache), "queued-bytes"},
    {"wishcast_packager_forced_cuts_total", "counter",
        "Segments that began without a key frame.",
        G_STRUCT_OFFSET (BroadcastStatus, packager), "forced-cuts"},
    {"wishcast_packager_dropped_frames_total", "counter",
        "Frames that were of no use: malformed, too late or in no segment.",
        G_STRUCT_OFFSET (BroadcastStatus, packager), "dropped-frames"},
};

/* FALSE: this pipeline has no such element, or it does not count that. */
static gboolean
get_number (const BroadcastStatus *status, guint i, double *number)
{
  const GstStructure *structure;
  guint64 large;
  guint small;

  if (of_links[i].field == NULL) {
    *number = (double)status->bytes;
    return TRUE;
  }
  structure = G_STRUCT_MEMBER (GstStructure *, status, of_links[i].structure);
  if (structure == NULL)
    return FALSE;
  if (gst_structure_get_uint64 (structure, of_links[i].field, &large))
    *number = (double)large;
  else if (gst_structure_get_uint (structure, of_links[i].field, &small))
    *number = small;
  else
    return FALSE;
  return TRUE;
}

static void
write_part_latency (GPtrArray *list, GString *text)
{
  static const struct {
    const char *quantile, *field;
  } of_parts[] = {{"0.5", "part-latency-median"}, {"0.99", "part-latency-p99"}};

  metrics_begin (text, "wishcast_part_latency_seconds", "gauge",
      "From the last frame of a part until players may have it, of the parts "
      "of "
      "the last seconds.");
  for (guint i = 0; i < list->len; i++) {
    const BroadcastStatus *status = g_ptr_array_index (list, i);
    guint64 latency;

    for (guint j = 0; j < G_N_ELEMENTS (of_parts); j++)
      if (status->origin != NULL && gst_structure_get_uint64 (status->origin,
                                        of_parts[j].field, &latency))
        metrics_add (text, "wishcast_part_latency_seconds",
            (double)latency / GST_SECOND, "link", status->link, "game",
            status->game, "quantile", of_parts[j].quantile, NULL);
  }
}

static void
write_node (ApiMetrics *metrics, GString *text)
{
  g_autoptr (GPtrArray) list = broadcasts_list (metrics->broadcasts);

  for (guint i = 0; i < G_N_ELEMENTS (of_links); i++) {
    metrics_begin (text, of_links[i].name, of_links[i].type, of_links[i].help);
    for (guint j = 0; j < list->len; j++) {
      const BroadcastStatus *status = g_ptr_array_index (list, j);
      double number;

      if (get_number (status, i, &number))
        metrics_add (text, of_links[i].name, number, "link", status->link,
            "game", status->game, NULL);
    }
  }
  write_part_latency (list, text);
  metrics_begin (text, "wishcast_registrar_queued", "gauge",
      "Broadcasts whose last change is not written to the database.");
  metrics_add (text, "wishcast_registrar_queued",
      registrar_get_queued (metrics->registrar), NULL);
  metrics_begin (text, "wishcast_registrar_connected", "gauge",
      "1 while broadcasts can be written to the database.");
  metrics_add (text, "wishcast_registrar_connected",
      registrar_is_connected (metrics->registrar), NULL);
}

static void
write_viewers (ApiMetrics *metrics, GString *text)
{
  g_autoptr (GArray) list =
      viewers_list_here (metrics->viewers, g_get_monotonic_time ());

  metrics_begin (text, "wishcast_viewers", "gauge",
      "Who watches a broadcast, as pages tell this node and as the log of its "
      "media has it.");
  for (guint i = 0; i < list->len; i++) {
    const ViewerFigures *figures = &g_array_index (list, ViewerFigures, i);

    metrics_add (text, "wishcast_viewers", figures->pages, "link",
        figures->link, "source", "pages", NULL);
    metrics_add (text, "wishcast_viewers", figures->players, "link",
        figures->link, "source", "players", NULL);
  }
  metrics_begin (text, "wishcast_media_sent_bytes_total", "counter",
      "Bytes that the server of the media sent, by its log.");
  metrics_add (text, "wishcast_media_sent_bytes_total",
      (double)viewers_get_bytes_here (metrics->viewers), NULL);
}

static void
write_notifications (ApiMetrics *metrics, GString *text)
{
  FanoutStats stats;
  guint n_pending, n_running;

  if (metrics->notifier != NULL) {
    notifier_get_stats (metrics->notifier, &stats);
    metrics_begin (text, "wishcast_notices_sent_total", "counter",
        "Users that this node has told of a broadcast.");
    metrics_add (text, "wishcast_notices_sent_total", (double)stats.sent, NULL);
    metrics_begin (text, "wishcast_notices_refused_total", "counter",
        "Users that the receiver of the notices did not take, for good.");
    metrics_add (
        text, "wishcast_notices_refused_total", (double)stats.refused, NULL);
    metrics_begin (text, "wishcast_notices_failures_total", "counter",
        "Times that a job of notices had to wait, or was given up.");
    metrics_add (
        text, "wishcast_notices_failures_total", (double)stats.failures, NULL);
  }
  if (!api_notifications_count (metrics->notifications, &n_pending, &n_running))
    return;
  metrics_begin (text, "wishcast_notification_jobs", "gauge",
      "Jobs of notices of all nodes that are not over, by state.");
  metrics_add (
      text, "wishcast_notification_jobs", n_pending, "state", "pending", NULL);
  metrics_add (
      text, "wishcast_notification_jobs", n_running, "state", "running", NULL);
}

static void
write_archive (Archiver *archiver, GString *text)
{
  ArchiverFigures figures;

  archiver_get_figures (archiver, &figures);
  metrics_begin (text, "wishcast_archive_links", "gauge",
      "Broadcasts of this node that are not archived yet, by whether the last "
      "attempt failed.");
  metrics_add (text, "wishcast_archive_links",
      figures.n_open - figures.n_failing, "failing", "false", NULL);
  metrics_add (text, "wishcast_archive_links", figures.n_failing, "failing",
      "true", NULL);
  metrics_begin (text, "wishcast_archive_bytes_total", "counter",
      "Bytes that the archive took from this node.");
  metrics_add (
      text, "wishcast_archive_bytes_total", (double)figures.n_bytes, NULL);
  metrics_begin (text, "wishcast_archive_left_bytes", "gauge",
      "Bytes of the cache that are not archived yet.");
  metrics_add (
      text, "wishcast_archive_left_bytes", (double)figures.n_left, NULL);
  metrics_begin (text, "wishcast_archived_total", "counter",
      "Broadcasts that this node has archived.");
  metrics_add (
      text, "wishcast_archived_total", (double)figures.n_archived, NULL);
  archiver_figures_clear (&figures);
}

static void
write_cache (CacheKeeper *keeper, GString *text)
{
  CacheKeeperFigures figures;

  cache_keeper_get_figures (keeper, &figures);
  metrics_begin (text, "wishcast_cache_size_bytes", "gauge",
      "Bytes of the stored broadcasts of this node.");
  metrics_add (text, "wishcast_cache_size_bytes", (double)figures.size, NULL);
  metrics_begin (text, "wishcast_cache_budget_bytes", "gauge",
      "Bytes that they may have.");
  metrics_add (
      text, "wishcast_cache_budget_bytes", (double)figures.budget, NULL);
  metrics_begin (text, "wishcast_cache_unarchived_bytes", "gauge",
      "Bytes of them that must stay, as they are on air or not archived yet.");
  metrics_add (text, "wishcast_cache_unarchived_bytes",
      (double)figures.unarchived, NULL);
  metrics_begin (text, "wishcast_cache_cleared_total", "counter",
      "Stored broadcasts that were cleared.");
  metrics_add (
      text, "wishcast_cache_cleared_total", (double)figures.n_cleared, NULL);
}

static void
write_retention (Retention *retention, GString *text)
{
  RetentionFigures figures;

  retention_get_figures (retention, &figures);
  metrics_begin (text, "wishcast_recordings_deleted_total", "counter",
      "Recordings that this node has deleted as their time was over.");
  metrics_add (text, "wishcast_recordings_deleted_total",
      (double)figures.n_deleted, NULL);
  metrics_begin (text, "wishcast_retention_on_hold", "gauge",
      "1 while nothing is deleted, as the clocks cannot be trusted.");
  metrics_add (text, "wishcast_retention_on_hold", figures.on_hold, NULL);
  metrics_begin (text, "wishcast_retention_failing", "gauge",
      "1 while a recording cannot be deleted.");
  metrics_add (
      text, "wishcast_retention_failing", figures.problem != NULL, NULL);
  retention_figures_clear (&figures);
}

char *
api_metrics_write (ApiMetrics *metrics, guint n_connections)
{
  GString *text = g_string_new (NULL);

  metrics_begin (text, "wishcast_info", "gauge", "Version and node; always 1.");
  metrics_add (text, "wishcast_info", 1, "version", VERSION, "node",
      metrics->node, NULL);
  write_catalogue (metrics, text);
  write_nodes (metrics, text);
  if (metrics->broadcasts != NULL)
    write_node (metrics, text);
  if (metrics->archiver != NULL)
    write_archive (metrics->archiver, text);
  if (metrics->keeper != NULL)
    write_cache (metrics->keeper, text);
  if (metrics->retention != NULL)
    write_retention (metrics->retention, text);
  write_viewers (metrics, text);
  write_notifications (metrics, text);
  write_requests (metrics, text);
  metrics_begin (
      text, "wishcast_api_connections", "gauge", "Connections of the API.");
  metrics_add (text, "wishcast_api_connections", n_connections, NULL);
  metrics_begin (text, "wishcast_api_event_streams", "gauge",
      "Clients of the server-sent events.");
  metrics_add (text, "wishcast_api_event_streams",
      event_streams_count (metrics->streams), NULL);
  metrics_begin (text, "wishcast_api_event_streams_dropped_total", "counter",
      "Clients of the server-sent events that were too slow.");
  metrics_add (text, "wishcast_api_event_streams_dropped_total",
      (double)event_streams_count_dropped (metrics->streams), NULL);
  metrics_add_process (text);
  return g_string_free (text, FALSE);
}
