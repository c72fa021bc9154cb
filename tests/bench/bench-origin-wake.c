/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* 1,000 blocked playlist requests on an origin of one thread: from the moment
 * the part is complete to the last byte of the last answer, as another process
 * sees it that does nothing but epoll. Prints median and 99th percentile in ms.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "origintest.h"

#define N_WAITERS 1000
#define N_ROUNDS 60
#define SERVER_CPU 0
#define CLIENT_CPU 1

static void
stay_on_cpu (int cpu)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  if (sched_setaffinity (0, sizeof set, &set) != 0)
    g_error ("CPU %d is not to be had", cpu);
}

/* --- the client's process ----------------------------------------------------- */

typedef struct {
  int fd;
  gsize got;
  gsize expected; /* of the whole answer, once the headers are in */
  char head[2048];
} Peer;

static int
connect_to (guint16 port)
{
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons (port)};
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (fd < 0 || connect (fd, (struct sockaddr *)&address, sizeof address) != 0)
    g_error ("connect: %s", g_strerror (errno));
  return fd;
}

/* Reads what is there. TRUE when the answer is complete. */
static gboolean
read_answer (Peer *peer)
{
  char rest[16384];
  gssize n;

  if (peer->got < sizeof peer->head - 1)
    n = recv (peer->fd, peer->head + peer->got,
        sizeof peer->head - 1 - peer->got, MSG_DONTWAIT);
  else
    n = recv (peer->fd, rest, sizeof rest, MSG_DONTWAIT);
  if (n == 0)
    g_error ("the server closed a connection");
  if (n < 0)
    return FALSE;
  if (peer->got < sizeof peer->head - 1)
    peer->head[peer->got + n] = '\0';
  peer->got += n;
  if (peer->expected == 0) {
    const char *end = strstr (peer->head, "\r\n\r\n");
    const char *length = strstr (peer->head, "Content-Length: ");

    if (end == NULL || length == NULL)
      return FALSE;
    if (!g_str_has_prefix (peer->head, "HTTP/1.1 200"))
      g_error ("%s", peer->head);
    peer->expected =
        end + 4 - peer->head + g_ascii_strtoull (length + 16, NULL, 10);
  }
  return peer->got >= peer->expected;
}

static void
wait_for_all (int epoll)
{
  guint left = N_WAITERS;

  while (left > 0) {
    struct epoll_event events[256];
    int n = epoll_wait (epoll, events, G_N_ELEMENTS (events), -1);

    for (int i = 0; i < n; i++)
      if (read_answer (events[i].data.ptr))
        left--;
  }
}

static int
run_client (guint16 port, int from_server, int to_server)
{
  g_autofree Peer *peers = g_new0 (Peer, N_WAITERS);
  int epoll = epoll_create1 (0);

  stay_on_cpu (CLIENT_CPU);
  for (guint i = 0; i < N_WAITERS; i++) {
    struct epoll_event event = {EPOLLIN, {.ptr = &peers[i]}};

    peers[i].fd = connect_to (port);
    epoll_ctl (epoll, EPOLL_CTL_ADD, peers[i].fd, &event);
  }
  for (;;) {
    guint64 next[2];
    g_autofree char *request = NULL;
    gint64 done;

    if (read (from_server, next, sizeof next) != sizeof next)
      return 0;
    request = g_strdup_printf ("GET /live/bench/video_0/index.m3u8"
                               "?_HLS_msn=%" G_GUINT64_FORMAT
                               "&_HLS_part=%" G_GUINT64_FORMAT
                               " HTTP/1.1\r\nHost: bench\r\n\r\n",
        next[0], next[1]);
    for (guint i = 0; i < N_WAITERS; i++) {
      peers[i].got = peers[i].expected = 0;
      if (write (peers[i].fd, request, strlen (request)) < 0)
        g_error ("write: %s", g_strerror (errno));
    }
    wait_for_all (epoll);
    done = g_get_monotonic_time ();
    if (write (to_server, &done, sizeof done) != sizeof done)
      return 1;
  }
}

/* --- the server's process ------------------------------------------------------ */

static void
wait_for_waiters (OriginBroadcast *broadcast, int from_client)
{
  struct pollfd client = {.fd = from_client, .events = POLLIN};
  OriginStats stats;

  do {
    /* It only speaks, or hangs up, when something went wrong. */
    if (poll (&client, 1, 1) != 0)
      g_error ("the client is gone");
    origin_broadcast_get_stats (broadcast, &stats);
  } while (stats.waiting < N_WAITERS);
}

static int
compare (const void *a, const void *b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

static void
run_server (Origin *origin, int from_client, int to_client)
{
  OriginBroadcast *broadcast = test_publish (origin, "bench");
  gint64 times[N_ROUNDS];

  test_push_segments (broadcast, 0, 0, 8, FALSE);
  for (guint i = 0; i < N_ROUNDS; i++) {
    guint64 next[2] = {8 + i / TEST_PARTS, i % TEST_PARTS};
    gint64 begin, end;

    if (write (to_client, next, sizeof next) != sizeof next)
      g_error ("the client is gone");
    wait_for_waiters (broadcast, from_client);
    begin = g_get_monotonic_time ();
    test_push (broadcast, TEST_VIDEO, 0, next[0], next[1]);
    if (read (from_client, &end, sizeof end) != sizeof end)
      g_error ("the client is gone");
    times[i] = end - begin;
  }
  qsort (times, N_ROUNDS, sizeof times[0], compare);
  g_print ("waiters=%d rounds=%d median_ms=%.1f p99_ms=%.1f\n", N_WAITERS,
      N_ROUNDS, times[N_ROUNDS / 2] / 1000.0,
      times[N_ROUNDS * 99 / 100] / 1000.0);
  origin_broadcast_leave (broadcast, 0);
}

static void
raise_limit (void)
{
  struct rlimit limit;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = MIN (limit.rlim_max, 16384);
  setrlimit (RLIMIT_NOFILE, &limit);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Origin) origin = NULL;
  int to_client[2], to_server[2], port_pipe[2];
  guint16 port;
  pid_t child;

  raise_limit ();
  if (pipe (to_client) != 0 || pipe (to_server) != 0 || pipe (port_pipe) != 0)
    g_error ("pipe: %s", g_strerror (errno));
  /* Before there is a thread to lose. */
  child = fork ();
  if (child == 0) {
    close (to_client[1]);
    if (read (port_pipe[0], &port, sizeof port) != sizeof port)
      _exit (1);
    _exit (run_client (port, to_client[0], to_server[1]));
  }
  close (to_server[1]);
  stay_on_cpu (SERVER_CPU);
  origin = origin_acquire ("127.0.0.1", 0, &error);
  if (origin == NULL)
    g_error ("%s", error->message);
  port = origin_get_port (origin);
  if (write (port_pipe[1], &port, sizeof port) != sizeof port)
    g_error ("the client is gone");
  run_server (origin, to_server[0], to_client[1]);
  close (to_client[1]);
  waitpid (child, NULL, 0);
  return 0;
}
