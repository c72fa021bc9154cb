/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The program in a process of its own, as a user runs it, with a folder for its
 * files. What fails in here fails the test. */
typedef struct {
  char *dir;
  char *conf;
} CommandKit;

typedef struct {
  int status; /* exit code, or 128 + signal */
  char *out, *err;
} CommandResult;

/* With a configuration of @text, which may be NULL. */
void command_kit_init (CommandKit *kit, const char *text);
void command_kit_clear (CommandKit *kit);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommandKit, command_kit_clear)
void command_result_clear (CommandResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommandResult, command_result_clear)

/* Replaces the configuration. */
void command_kit_configure (CommandKit *kit, const char *text);
/* Writes a file into the folder, and gives its path. (transfer full) */
char *command_kit_write (CommandKit *kit, const char *name, const char *text);

/* Starts `wishcast` with the words up to NULL, and the configuration. */
GSubprocess *command_kit_start (CommandKit *kit, ...) G_GNUC_NULL_TERMINATED;
/* Waits for its end. Frees @process. */
CommandResult command_kit_finish (GSubprocess *process);
CommandResult command_kit_run (CommandKit *kit, ...) G_GNUC_NULL_TERMINATED;
/* Reads from its standard output up to the first line with @text, for 20 s at
 * most. */
void command_kit_await (GSubprocess *process, const char *text);

/* Runs it, and compares status and, if not NULL, what stands in the outputs. */
void command_kit_expect (CommandKit *kit, int status, const char *out,
    const char *err, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
