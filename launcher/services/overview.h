/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What the nodes have last told of themselves, and what all of it came to in the
 * last ten minutes. Logic without clocks, database or HTTP. Thread-safe. Times
 * are us since 1970. */
typedef struct _Overview Overview;

/* One every NODE_REPORT_INTERVAL. */
#define OVERVIEW_SAMPLES 120

typedef struct {
  const char *name;
  gint64 seen_at;
  gboolean is_alive;
  JsonNode *report; /* openapi.json, "NodeReport" */
} OverviewNode;

/* @node: this one. Stale since @now, as nothing is known of the others. */
Overview *overview_new (const char *node, gint64 now);
void overview_free (Overview *overview);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Overview, overview_free)

/* The report of this node, made @now. */
void overview_set_own (Overview *overview, JsonNode *report, gint64 now);
/* What the database has of the others, of which it is not stale now. Unless it
 * @is_settled, who was alive is so still: the database was away, and not every
 * node has told it of itself again. */
void overview_set_others (Overview *overview, const OverviewNode *nodes,
    guint n, gboolean is_settled);
/* The others are as they were, since @now if not since earlier. */
void overview_set_stale (Overview *overview, gint64 now);
/* Adds to the history. @viewers: openapi.json, "Viewers". */
void overview_sample (Overview *overview, const char *viewers, gint64 now);
guint overview_count (Overview *overview, gboolean is_alive);
/* openapi.json, "Overview". @viewers as above. (transfer full) */
char *overview_to_json (Overview *overview, const char *viewers, gint64 now);

G_END_DECLS
