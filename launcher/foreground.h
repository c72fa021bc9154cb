/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Runs @pipeline until its end, an error or a signal, and tells on the standard
 * output what happens, errors on the standard error. The first SIGINT, SIGTERM
 * or SIGHUP ends it with EOS, for which it has ten seconds; the second ends the
 * process at once. Needs the default main context. Returns an exit code of
 * sysexits.h. */
int foreground_run (GstElement *pipeline);

G_END_DECLS
