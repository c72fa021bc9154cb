/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "settings.h"

G_BEGIN_DECLS

/* Whether recordings can be kept where [cloud] says: credentials, bucket,
 * permissions and signing; or, if it says nothing, in the folder of [archive].
 * @text: what was found; of a bucket also the lifecycle rules that it should
 * have, in several lines. Waits for the network. FALSE and @error, of GCS_ERROR or
 * as folder_space_check(), whose text begins with the place in the configuration.
 * (transfer full) */
gboolean check_cloud (const Settings *settings, char **text, GError **error);

G_END_DECLS
