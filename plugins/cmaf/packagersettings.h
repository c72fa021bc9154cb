/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "segmenter.h"

G_BEGIN_DECLS

/* The properties of cmafpackager. */
enum {
  PACKAGER_PROP_0,
  PACKAGER_PROP_SEGMENT_DURATION,
  PACKAGER_PROP_MAX_SEGMENT_DURATION,
  PACKAGER_PROP_PART_DURATION,
  PACKAGER_PROP_TRACK_TIMEOUT,
  PACKAGER_PROP_FIRST_MSN,
  PACKAGER_PROP_FIRST_TIME,
  PACKAGER_PROP_EPOCH,
  PACKAGER_PROP_INDEPENDENT_SEGMENTS,
  PACKAGER_PROP_STATS, /* read only, not a setting */
  PACKAGER_N_PROPS,
};

typedef struct {
  SegmenterSettings segmenter;
  gboolean independent_segments; /* a forced cut is an error */
} PackagerSettings;

void packager_settings_init (PackagerSettings *self);
void packager_settings_install (GObjectClass *klass);
void packager_settings_set (
    PackagerSettings *self, guint id, const GValue *value);
void packager_settings_get (PackagerSettings *self, guint id, GValue *value);

G_END_DECLS
