/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Shows @pipeline, one of pipelines/preview.pipeline, until its end, an error, a
 * signal or the user: q, Escape or the window's own button end it, space pauses.
 *
 * Writes into the overlays: how old the picture is where a live cachesrc says
 * when it was captured, else how far behind the newest of a live stream it is,
 * else its position; and that the developer will be right back while a live
 * cachesrc gives nothing. With @verbose it prints the same every second:
 *
 *   state=live latency=0.912 time=12.300
 *
 * @epoch: (out): where a stored broadcast goes on with another picture in
 * another pipeline, 0 if it does not.
 *
 * Needs the default main context. Returns an exit code of sysexits.h. */
int preview_run (GstElement *pipeline, gboolean verbose, guint *epoch);

G_END_DECLS
