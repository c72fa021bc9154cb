/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "codecconfig.h"
#include "inputclock.h"
#include "segmenter.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* One codec configuration of a track, with the clock of the frames under it:
 * SegmenterSample.config points here. */
typedef struct {
  CodecConfig *codec;
  InputClock clock;
} InputFormat;

/* One track, from its pad to its line in the track table. Outlives the pad, as
 * its index names the track in every chunk. Not locked: all of it is used with
 * the packager's stream lock held. */
typedef struct {
  GstPad *pad; /* NULL once released; no reference */
  char *name;
  guint index;
  gboolean video;
  GstSegment segment;
  InputFormat *format; /* of the caps; NULL before them */
  GPtrArray *formats;  /* all that frames may still refer to */
  guint64 bitrate;     /* bit/s the encoder declared, or 0 */
  gboolean warned;     /* about a malformed frame */
  gboolean refused;    /* the caps, with an error */
} PackagerInput;

PackagerInput *packager_input_new (
    const char *name, guint index, gboolean video);
void packager_input_free (PackagerInput *self);
void packager_input_reset (PackagerInput *self);
void packager_input_describe (
    const PackagerInput *self, const InputFormat *format, TrackTable *table);
gboolean packager_input_set_caps (
    PackagerInput *self, const GstCaps *caps, GError **error);
gboolean packager_input_read (
    PackagerInput *self, GstBuffer *buffer, SegmenterSample *sample);

GstBuffer *packager_input_make_silence (
    const CodecConfig *codec, guint64 duration);

G_END_DECLS
