/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cachereader.h"

G_BEGIN_DECLS

/* What a file of chosen tracks begins with, for one epoch of a link. */

typedef struct {
  guint number; /* in the store's table */
  guint32 id;   /* in the media */
} CacheChosen;

typedef struct {
  GArray *tracks; /* of CacheChosen, in the store's order */
  GBytes *init;   /* the joint init, cut down to them */
} CacheStart;

gboolean cache_start_load (CacheStart *start, CacheReader *reader, char **names,
    guint32 epoch, GError **error);
void cache_start_clear (CacheStart *start);
gboolean cache_start_equal (const CacheStart *a, const CacheStart *b);
guint cache_start_lead (const CacheStart *start, CacheReader *reader);

gboolean cache_extent_read (const CacheExtent *extent, guint64 offset,
    guint8 *data, gsize size, GError **error);

G_END_DECLS
