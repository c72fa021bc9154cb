/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves one broadcast from an origin that has one thread, for a load generator
 * to hit: a playlist of about 1.2 kB and a part of 200 kB. Prints their
 * addresses and runs until its input ends.
 *
 *     bench-origin-serve [CPU]
 */

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "origintest.h"

#define PART_SIZE (200 * 1000)
#define N_PARTS 4

/* An origin has as many threads as the process has processors. */
static void
stay_on_cpu (int cpu)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  if (sched_setaffinity (0, sizeof set, &set) != 0)
    g_error ("CPU %d is not to be had", cpu);
}

static void
push_part (OriginBroadcast *broadcast, guint64 msn, guint32 part)
{
  ChunkInfo info = test_info (TEST_VIDEO, 0, msn, part);
  g_autoptr (GBytes) bytes =
      g_bytes_new_take (g_malloc0 (PART_SIZE), PART_SIZE);

  info.size = PART_SIZE;
  origin_broadcast_push (broadcast, &info, bytes);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Origin) origin = NULL;
  OriginBroadcast *broadcast;
  char buffer[64];

  stay_on_cpu (argc > 1 ? atoi (argv[1]) : 0);
  origin = origin_acquire ("127.0.0.1", 0, &error);
  if (origin == NULL)
    g_error ("%s", error->message);
  broadcast = test_publish (origin, "bench");
  for (guint64 msn = 0; msn < 2; msn++)
    for (guint32 part = 0; part < N_PARTS; part++)
      push_part (broadcast, msn, part);
  push_part (broadcast, 2, 0);
  g_print ("http://127.0.0.1:%u/live/bench/video_0/index.m3u8 "
           "http://127.0.0.1:%u/live/bench/video_0/0-1.1.m4s\n",
      origin_get_port (origin), origin_get_port (origin));
  while (read (STDIN_FILENO, buffer, sizeof buffer) > 0)
    ;
  origin_broadcast_leave (broadcast, 0);
  return 0;
}
