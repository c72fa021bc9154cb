/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the file of a recording is called where it is saved: "Half-Life – The
 * title – 2026-11-29.mp4". Logic only. */

/* Of bytes, so that it fits everywhere, with what browsers put behind it. */
#define RECORDING_FILENAME_MAX 200

/* @title: may be empty, or that of the game. @date: ISO 8601. @part: from 1; 0: there is one only.
 * Titles are anybody's: what comes of them is UTF-8 that every system takes as
 * the name of one file. (transfer full) */
char *recording_filename_new (
    const char *game, const char *title, const char *date, guint part);
/* The value of Content-Disposition (RFC 6266), ASCII. @filename: as above.
 * @is_inline: shown rather than saved. (transfer full) */
char *recording_disposition_new (const char *filename, gboolean is_inline);

G_END_DECLS
