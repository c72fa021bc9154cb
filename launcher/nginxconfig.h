/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "privatenginx.h"

G_BEGIN_DECLS

/* The configuration of an nginx from @text, a template as data/nginx/
 * node.conf.in, whose name for errors is @settings->template. @user is the
 * directive for its workers. (transfer full) */
char *nginx_config_fill (const char *text, const PrivateNginxSettings *settings,
    const char *user, GError **error);

/* Why nginx did not start, from @log, what it wrote to its error log meanwhile:
 * its gravest lines without time and process, each once. NULL if it wrote
 * nothing of the kind. (transfer full) */
char *nginx_config_find_reason (const char *log);

G_END_DECLS
