/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "command.h"

G_BEGIN_DECLS

extern const Command command_cache;
extern const Command command_check;
extern const Command command_db;
extern const Command command_demo;
extern const Command command_end;
extern const Command command_game;
extern const Command command_key;
extern const Command command_launch;
extern const Command command_notify;
extern const Command command_preview;
extern const Command command_run;

G_END_DECLS
