/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings.h"

G_BEGIN_DECLS

/* One finding; @status is EX_OK, or the exit code for what is wrong. */
typedef void (*CheckNotifySay) (int status, const char *text, gpointer data);

/* What notices need, for `wishcast check`: the configuration, and whether somebody
 * is there who would take them, where the wishlist is, and the brokers. Each is
 * asked for a few seconds at most, and by nothing that it would act on: a
 * connection, and of a broker who is there. */
void check_notify (const Settings *settings, CheckNotifySay say, gpointer data);

G_END_DECLS
