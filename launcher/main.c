/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "suggest.h"

static const Command *const commands[] = {
    &command_cache,
    &command_check,
    &command_db,
    &command_demo,
    &command_end,
    &command_game,
    &command_key,
    &command_launch,
    &command_notify,
    &command_preview,
    &command_run,
};

static void
print_help (FILE *file)
{
  fputs ("Usage: wishcast COMMAND ...\n\n"
         "Developer broadcasts for a game store.\n\n",
      file);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (file, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
  fputs ("\n`wishcast COMMAND --help` tells more, `wishcast --version` which "
         "one this is.\n",
      file);
}

static int
refuse (const char *word)
{
  const char *names[G_N_ELEMENTS (commands) + 1] = {NULL};
  const char *meant;

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    names[i] = commands[i]->name;
  meant = suggest (word, names);
  if (meant != NULL)
    command_say ("there is no command %s. Is %s meant?", word, meant);
  else
    command_say ("there is no command %s. wishcast --help lists them.", word);
  return EX_USAGE;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  if (argc < 2) {
    print_help (stderr);
    return EX_USAGE;
  }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0 ||
      strcmp (argv[1], "help") == 0) {
    print_help (stdout);
    return EX_OK;
  }
  if (strcmp (argv[1], "--version") == 0) {
    puts (PACKAGE " " VERSION);
    return EX_OK;
  }
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i]->name) == 0)
      return commands[i]->run (argc - 1, argv + 1);
  return refuse (argv[1]);
}
