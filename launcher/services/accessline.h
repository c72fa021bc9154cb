/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "link.h"

G_BEGIN_DECLS

/* One line of nginx's access log, as its syslog has it, in the log_format
 * `viewers` of data/nginx/node.conf.in:
 *
 *   <PRIORITY>TIME TAG: STATUS BYTES METHOD URI ADDRESS USER-AGENT
 *
 * What a client chooses stands behind what it cannot, and nothing behind the
 * URI is taken apart, so whatever it says can only change who it is. */
typedef struct {
  guint64 bytes;                  /* that were sent, with the headers */
  char link[LINK_MAX_LENGTH + 1]; /* "" if the origin knows no such path */
  gboolean is_watching;           /* it got media, or a playlist of a track */
  const char *who;                /* address and user agent, in the line */
  gsize who_length;
} AccessLine;

/* FALSE: @text is no such line, or ends before the address. */
gboolean access_line_parse (AccessLine *line, const char *text, gsize length);

G_END_DECLS
