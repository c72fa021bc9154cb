/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings.h"

G_BEGIN_DECLS

/* @game is "any game" for the default. @error, as of description_launch(), is
 * NULL if the description is right. */
typedef void (*PipelineChecked) (
    const char *game, const char *path, const GError *error, gpointer data);

/* Makes the pipeline of each description of @settings, as for a broadcast by
 * RTMP, and forgets it: whether each element, property and link of it is there.
 * Their plugins are loaded then. */
void pipeline_check_all (
    const Settings *settings, PipelineChecked checked, gpointer data);

G_END_DECLS
