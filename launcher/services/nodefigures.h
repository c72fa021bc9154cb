/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "archiver.h"
#include "broadcasts.h"
#include "cachekeeper.h"
#include "retention.h"
#include "viewers.h"

G_BEGIN_DECLS

/* What this node can say of itself at a moment. Belongs to one thread, which may
 * wait for the disk. */
typedef struct _NodeFigures NodeFigures;

typedef struct {
  const char *name;
  const char *conninfo;
  const char *cache_dir;
  Broadcasts *broadcasts; /* or NULL: without ingest */
  Viewers *viewers;
  Archiver *archiver;   /* or NULL */
  CacheKeeper *keeper;  /* or NULL */
  Retention *retention; /* or NULL */
  gboolean has_api;
  gboolean has_sweeper;
  gboolean has_notifier;
} NodeFiguresSettings;

/* All that is passed must outlive it. */
NodeFigures *node_figures_new (const NodeFiguresSettings *settings);
void node_figures_free (NodeFigures *figures);
/* openapi.json, "NodeReport". Rates are those since the last call, none at the
 * first. (transfer full) */
JsonNode *node_figures_collect (
    NodeFigures *figures, gboolean is_connected, gint64 now);

G_END_DECLS
