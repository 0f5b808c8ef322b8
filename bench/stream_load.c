/* A crowd of HTTP clients that reads whole answers and event streams, and counts what came.
 *
 * usage: stream_load PORT CONNECTIONS RAMP_MS LIMIT_SECONDS < REQUESTS
 * REQUESTS: each as "<length>\n" and that many bytes, sent as they are. Connection c sends requests
 * c, c + CONNECTIONS, ... one after the other on one keep-alive connection, each as soon as the answer
 * to the one before it is whole. Connections start evenly over RAMP_MS. Prints one line of JSON.
 * Counts: answers by status, "data:" lines, and the stamps of mock_upstream.c; a stamp out of turn,
 * or a missing one, shows in "disorder". One thread, epoll. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STAMP_DIGITS 21 /* 16 of time, 5 of number */
#define HEAD_BYTES 8192
#define MOST_TIMES 4000000

typedef struct { char *bytes; size_t length; } request;

enum framing { HEAD, LENGTH, SIZE, DATA, DATA_END, TRAILER };

typedef struct {
  int fd;
  long at; /* index of the request under way */
  enum framing state;
  char head[HEAD_BYTES];
  size_t head_len;
  long left; /* bytes of the body or of this chunk */
  long size; /* of the chunk whose size line is being read */
  bool in_extension;
  long began_us;
  /* scanning the body */
  int digits;
  char stamp[STAMP_DIGITS + 1];
  long expected;
  int line; /* how much of "data:" the line has so far; -1: it is another line */
} client;

static request *requests;
static long request_count, connection_count, answered, ok, other, events, stamps, disorder, body_bytes, lost, open_count;
static unsigned *stamp_times, *answer_times;
static long stamp_count, answer_count;
static struct sockaddr_in address;
static int epoll;

static long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void read_requests(void) {
  long room = 1024;
  requests = malloc(room * sizeof *requests);
  size_t length;
  while (scanf("%zu", &length) == 1 && getchar() == '\n') {
    if (request_count == room) requests = realloc(requests, (room *= 2) * sizeof *requests);
    request *r = &requests[request_count++];
    *r = (request){malloc(length), length};
    if (fread(r->bytes, 1, length, stdin) != length) exit(2);
  }
}

static void note(unsigned *times, long *count, long microseconds) {
  if (*count < MOST_TIMES) times[(*count)++] = microseconds > 0 ? microseconds : 0;
}

static void leave(client *c, bool is_loss) {
  close(c->fd);
  lost += is_loss;
  open_count--;
}

/* Returns false when the connection is gone. */
static bool send_request(client *c) {
  request r = requests[c->at];
  c->state = HEAD;
  c->head_len = 0;
  c->digits = -1;
  c->expected = 0;
  c->line = 0;
  c->began_us = now_us();
  if (send(c->fd, r.bytes, r.length, MSG_NOSIGNAL) == (ssize_t)r.length) return true;
  leave(c, true);
  return false;
}

static void dial(client *c, long first) {
  int one = 1;
  c->at = first;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  open_count++;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
  if (connect(c->fd, (void *)&address, sizeof address)) leave(c, true);
  else send_request(c);
}

static void take_stamp(client *c, long now) {
  long number = atol(c->stamp + 16);
  c->stamp[16] = 0;
  note(stamp_times, &stamp_count, now - atol(c->stamp));
  stamps++;
  disorder += number != c->expected;
  c->expected = number + 1;
}

/* Decoded bytes of a body: count events and stamps, wherever they were cut. */
static void scan(client *c, const char *bytes, size_t length, long now) {
  body_bytes += length;
  for (const char *p = bytes; p < bytes + length; p++) {
    if (*p == '\n') c->line = 0;
    else if (c->line >= 0 && *p == "data:"[c->line]) {
      if (++c->line == 5) {
        events++;
        c->line = -1;
      }
    } else c->line = -1;
    if (*p == '@') c->digits = 0;
    else if (c->digits >= 0 && *p >= '0' && *p <= '9') {
      c->stamp[c->digits++] = *p;
      if (c->digits == STAMP_DIGITS) {
        take_stamp(c, now);
        c->digits = -1;
      }
    } else c->digits = -1;
  }
}

/* The answer is whole: the next request, or none. Returns false when the connection is done. */
static bool finish(client *c, long now) {
  answered++;
  note(answer_times, &answer_count, now - c->began_us);
  c->at += connection_count;
  if (c->at < request_count) return send_request(c);
  leave(c, false);
  return false;
}

static void read_head(client *c) {
  c->head[c->head_len] = 0;
  bool is_ok = c->head_len > 12 && !memcmp(c->head + 9, "200", 3);
  ok += is_ok;
  other += !is_ok;
  if (!is_ok && other <= 3) fprintf(stderr, "%.*s\n", 300, c->head);
  char *length = strcasestr(c->head, "\r\ncontent-length:");
  c->left = length ? atol(length + 17) : 0;
  c->size = 0;
  c->in_extension = false;
  c->state = length ? LENGTH : SIZE;
}

/* One byte of framing. Returns true when it was the answer's last. */
static bool frame(client *c, char byte) {
  switch (c->state) {
    case HEAD:
      if (c->head_len < HEAD_BYTES - 1) c->head[c->head_len++] = byte;
      if (c->head_len < 4 || memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4)) return false;
      read_head(c);
      return c->state == LENGTH && c->left == 0;
    case SIZE:
      if (byte == '\n') {
        c->left = c->size;
        c->state = c->size ? DATA : TRAILER;
        c->size = 0;
        c->in_extension = false;
      } else if (byte == ';') c->in_extension = true;
      else if (byte != '\r' && !c->in_extension) c->size = c->size * 16 + (byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10);
      return false;
    case DATA_END:
      if (byte == '\n') c->state = SIZE;
      return false;
    default: /* TRAILER: there are none, so this is the empty line */
      return byte == '\n';
  }
}

static void receive(client *c) {
  static char buffer[262144];
  ssize_t length = recv(c->fd, buffer, sizeof buffer, 0);
  if (length <= 0) {
    leave(c, true);
    return;
  }
  long now = now_us();
  for (ssize_t i = 0; i < length;) {
    bool is_last = false;
    if (c->state == LENGTH || c->state == DATA) {
      long n = length - i < c->left ? length - i : c->left;
      scan(c, buffer + i, n, now);
      i += n;
      c->left -= n;
      is_last = c->left == 0 && c->state == LENGTH;
      if (c->left == 0 && c->state == DATA) c->state = DATA_END;
    } else {
      is_last = frame(c, buffer[i++]);
    }
    if (is_last && !finish(c, now)) return;
  }
}

static int ascending(const void *a, const void *b) {
  unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
  return (x > y) - (x < y);
}

static double part(unsigned *times, long count, double share) {
  return count ? times[(long)(share * (count - 1))] / 1000.0 : 0;
}

static void report(double seconds) {
  qsort(stamp_times, stamp_count, sizeof *stamp_times, ascending);
  qsort(answer_times, answer_count, sizeof *answer_times, ascending);
  printf("{\"answered\":%ld,\"ok\":%ld,\"other\":%ld,\"lost\":%ld,\"events\":%ld,\"stamps\":%ld,\"disorder\":%ld,\"body_bytes\":%ld,\"seconds\":%.3f,"
         "\"answer_ms\":[%.2f,%.2f],\"stamp_ms\":[%.2f,%.2f]}\n",
         answered, ok, other, lost, events, stamps, disorder, body_bytes, seconds,
         part(answer_times, answer_count, .5), part(answer_times, answer_count, .99), part(stamp_times, stamp_count, .5), part(stamp_times, stamp_count, .99));
}

int main(int count, char **words) {
  if (count != 5) return 2;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  connection_count = atol(words[2]);
  long ramp_us = atol(words[3]) * 1000, limit_us = atol(words[4]) * 1000000;
  read_requests();
  if (connection_count > request_count) connection_count = request_count;
  stamp_times = malloc(MOST_TIMES * sizeof *stamp_times);
  answer_times = malloc(MOST_TIMES * sizeof *answer_times);
  client *clients = calloc(connection_count, sizeof *clients);
  static struct epoll_event ready[1024];
  epoll = epoll_create1(0);
  long began = now_us(), started = 0;
  while ((started < connection_count || open_count > 0) && now_us() - began < limit_us) {
    while (started < connection_count && now_us() - began >= ramp_us * started / connection_count) {
      dial(&clients[started], started);
      started++;
    }
    int n = epoll_wait(epoll, ready, 1024, started < connection_count ? 1 : 100);
    for (int i = 0; i < n; i++) receive(ready[i].data.ptr);
  }
  lost += open_count;
  report((now_us() - began) / 1e6);
}
