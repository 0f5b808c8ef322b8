/* An OpenAI-compatible server that streams: what a provider is, without the model.
 *
 * usage: mock_upstream PORT
 * The model's name says how: "mock-<chunks>-<interval_ms>". Each chunk is one HTTP chunk with one
 * event of about 290 bytes, whose text is a stamp of 23 characters, "@" + 16 digits (CLOCK_MONOTONIC,
 * microseconds) + 5 digits (number of the chunk) + " ": stream_load.c knows by them that all text
 * came, in order, and how late. One thread, epoll, a wheel of 1 ms slots. Only what the bench needs. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 4096
#define LARGEST_REQUEST 262144
#define CHUNK_START "{\"id\":\"chatcmpl-B1mockmockmockmockmockmockmock\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\"model\":\"mock-model\",\"system_fingerprint\":\"fp_mock\","

typedef struct conn {
  int fd;
  char *in, *out;
  size_t in_len, in_cap, out_len, out_cap;
  int chunks, sent, interval;
  long due;
  struct conn *next; /* in a slot of the wheel */
  bool is_streaming, is_dead, wants_out;
} conn;

static conn *wheel[SLOTS];
static int epoll;

static long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void watch(conn *c, int how, bool wants_out) {
  struct epoll_event e = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0), .data.ptr = c};
  c->wants_out = wants_out;
  epoll_ctl(epoll, how, c->fd, &e);
}

/* Send what waits; what the socket does not take stays. */
static void flush_out(conn *c) {
  size_t done = 0;
  while (done < c->out_len) {
    ssize_t n = send(c->fd, c->out + done, c->out_len - done, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN) c->is_dead = true;
      break;
    }
    done += n;
  }
  memmove(c->out, c->out + done, c->out_len - done);
  c->out_len -= done;
  if (!c->is_dead && c->wants_out != (c->out_len > 0)) watch(c, EPOLL_CTL_MOD, c->out_len > 0);
}

static void put(conn *c, const char *bytes, size_t length) {
  if (c->is_dead) return;
  if (c->out_len + length > c->out_cap) c->out = realloc(c->out, c->out_cap = (c->out_len + length) * 2);
  memcpy(c->out + c->out_len, bytes, length);
  c->out_len += length;
  if (!c->wants_out) flush_out(c);
}

static void put_event(conn *c, const char *data) {
  char framed[1024];
  size_t length = strlen(data) + 8; /* "data: " and two line ends */
  put(c, framed, snprintf(framed, sizeof framed, "%zx\r\ndata: %s\n\n\r\n", length, data));
}

static void put_chunk(conn *c) {
  char data[512];
  snprintf(data, sizeof data, CHUNK_START "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"@%016ld%05d \"},\"logprobs\":null,\"finish_reason\":null}]}", now_us(), c->sent++);
  put_event(c, data);
}

static void schedule(conn *c, long due) {
  c->due = due;
  c->next = wheel[due % SLOTS];
  wheel[due % SLOTS] = c;
}

static void parse_requests(conn *c);

static void tick(conn *c, long now_ms) {
  put_chunk(c);
  if (c->sent < c->chunks && !c->is_dead) {
    schedule(c, now_ms + c->interval);
    return;
  }
  put_event(c, CHUNK_START "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
  put_event(c, "[DONE]");
  put(c, "0\r\n\r\n", 5);
  c->is_streaming = false;
  parse_requests(c);
}

/* Begin to answer if a whole request with a Content-Length is here. */
static void parse_requests(conn *c) {
  while (!c->is_streaming && !c->is_dead) {
    char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (end == NULL) return;
    size_t head = end - c->in + 4;
    *end = 0;
    char *field = strcasestr(c->in, "\r\ncontent-length:");
    size_t body = field ? strtoul(field + 17, NULL, 10) : 0;
    *end = '\r';
    if (c->in_len - head < body) return;
    char kept = c->in[head + body];
    c->in[head + body] = 0;
    char *model = strstr(c->in + head, "\"mock-");
    if (model == NULL || sscanf(model, "\"mock-%d-%d", &c->chunks, &c->interval) != 2 || c->chunks < 1 || c->interval < 1) {
      c->is_dead = true;
      return;
    }
    c->in[head + body] = kept;
    c->in_len -= head + body;
    memmove(c->in, c->in + head + body, c->in_len);
    static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    put(c, answer, sizeof answer - 1);
    c->sent = 0;
    c->is_streaming = true;
    schedule(c, now_us() / 1000 + c->interval);
  }
}

static void receive(conn *c) {
  if (c->in_len == c->in_cap && c->in_cap < LARGEST_REQUEST) c->in = realloc(c->in, (c->in_cap *= 2) + 1);
  ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
  if (n > 0) {
    c->in_len += n;
    parse_requests(c);
  } else if (n == 0 || errno != EAGAIN) {
    c->is_dead = true;
  }
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->in = malloc((c->in_cap = 8192) + 1);
    watch(c, EPOLL_CTL_ADD, false);
  }
}

static void forget(conn *c) {
  close(c->fd);
  free(c->in);
  free(c->out);
  free(c);
}

/* Everything that is due up to *now*; a dead connection that still streams ends here. */
static void turn_wheel(long from, long now) {
  for (long ms = from; ms <= now; ms++) {
    conn *c = wheel[ms % SLOTS];
    wheel[ms % SLOTS] = NULL;
    while (c != NULL) {
      conn *next = c->next;
      if (c->due > ms) schedule(c, c->due);
      else if (c->is_dead) forget(c);
      else tick(c, ms);
      c = next;
    }
  }
}

int main(int count, char **words) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(words[1]) : 9100), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
    perror("mock_upstream");
    return 1;
  }
  static struct epoll_event events[1024];
  struct epoll_event e = {.events = EPOLLIN};
  epoll = epoll_create1(0);
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
  for (long done = now_us() / 1000;;) {
    int n = epoll_wait(epoll, events, 1024, 1);
    for (int i = 0; i < n; i++) {
      conn *c = events[i].data.ptr;
      if (c == NULL) {
        accept_all(listener);
        continue;
      }
      if (events[i].events & EPOLLOUT) flush_out(c);
      if (events[i].events & ~EPOLLOUT) receive(c);
      if (c->is_dead) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
        if (!c->is_streaming) forget(c);
      }
    }
    long now = now_us() / 1000;
    turn_wheel(done + 1, now);
    done = now;
  }
}
