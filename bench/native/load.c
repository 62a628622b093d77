/*
 * The client side of a measurement: one process, one epoll loop, canned bytes.
 *
 *   load MODE HELLO PORT CONNECTIONS SECONDS [BLOCK] [ws]
 *
 * HELLO is a file with what a client says first. All connections go to PORT of 127.0.0.1. MODE is one of
 *   sessions  CONNECTIONS in flight, each closed as soon as it is admitted, and replaced
 *   up        every connection writes blocks; the backend says at the end how much came
 *   down      every connection reads what comes
 *   ping      every connection sends a block and waits until it is echoed
 *   retry     every connection is closed once it is admitted; one that is refused or cut is opened anew, at once
 *   hold      every connection is opened; "ready" is printed; all stay until standard input ends
 *   wait      as hold, with clients that are told to wait instead of being admitted
 * With `ws` all of it goes over WebSocket, in masked binary frames. One line of JSON says what was measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PREFACE 8
#define HEADER 5
#define BUFFER (256 * 1024)
#define EVENTS 512
/* Sources of connections, so that no run is out of ports: 127.0.0.2 and so on. */
#define SOURCES 8
/* Connections that are opened at once where many are held. */
#define OPENING 128
#define MAX_FAILED 100

enum { PERMIT = 0x02, WAIT = 0x03, REFUSE = 0x04 };
enum mode { SESSIONS, UP, DOWN, PING, RETRY, HOLD, HELD };
static const char *MODES[] = {"sessions", "up", "down", "ping", "retry", "hold", "wait"};
enum state { UPGRADING, HEAD, PAYLOAD, ADMITTED, RUNNING, DONE };

struct bytes { unsigned char *at; size_t length; };

struct conn {
  int fd;
  enum state state;
  uint64_t since; /* ns: connecting, or the last request */
  unsigned char head[PREFACE + HEADER];
  unsigned have, want, skip, matched;
  size_t offset; /* of the block that is being written */
  size_t answered;
  /* WebSocket: the header of a frame, and what is left of its payload. */
  unsigned char frame[10];
  unsigned frame_have;
  uint64_t frame_left;
};

static enum mode mode;
static int poller, websocket, port;
static unsigned connections, opened, arrived, alive;
static unsigned long admitted, failed, exchanges;
static uint64_t bytes, began, deadline, ended;
static struct bytes hello, block, command, finish;
static struct conn *all;
static unsigned char buffer[BUFFER];
static uint32_t *latencies; /* 100 ns each */
static size_t latency_count, latency_room;
static size_t payload_length; /* of a block, without its frame */

static const char UPGRADE[] =
  "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void give_up(const char *what) {
  fprintf(stderr, "load: %s\n", what);
  exit(1);
}

static void note_latency(uint64_t ns) {
  if (latency_count == latency_room) {
    latency_room = latency_room ? latency_room * 2 : 65536;
    latencies = realloc(latencies, latency_room * sizeof *latencies);
  }
  latencies[latency_count++] = (uint32_t)(ns / 100);
}

/* As it goes over the wire: with WebSocket, one masked frame. */
static struct bytes packed(const void *payload, size_t length, unsigned char opcode) {
  static const unsigned char MASK[4] = {0x3a, 0x91, 0x5c, 0xe7};
  struct bytes made = {malloc(length + 14), 0};
  if (!websocket) {
    memcpy(made.at, payload, length);
    made.length = length;
    return made;
  }
  unsigned char *to = made.at;
  *to++ = 0x80 | opcode;
  if (length < 126) *to++ = 0x80 | (unsigned char)length;
  else if (length < 65536) {
    *to++ = 0x80 | 126;
    *to++ = (unsigned char)(length >> 8);
    *to++ = (unsigned char)length;
  } else {
    *to++ = 0x80 | 127;
    for (int shift = 56; shift >= 0; shift -= 8) *to++ = (unsigned char)((uint64_t)length >> shift);
  }
  memcpy(to, MASK, 4);
  to += 4;
  for (size_t i = 0; i < length; i++) *to++ = ((const unsigned char *)payload)[i] ^ MASK[i & 3];
  made.length = (size_t)(to - made.at);
  return made;
}

static void watch(struct conn *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Small, on a socket whose buffer is empty: it fits. */
static void say(struct conn *c, const void *what, size_t length) {
  if (send(c->fd, what, length, MSG_NOSIGNAL) != (ssize_t)length && mode != SESSIONS && mode != RETRY) give_up("a short write");
}

static void open_one(struct conn *c) {
  memset(c, 0, sizeof *c);
  c->state = websocket ? UPGRADING : HEAD;
  c->want = PREFACE + HEADER;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + opened++ % SOURCES)};
  if (bind(c->fd, (struct sockaddr *)&source, sizeof source) < 0) die("bind");
  c->since = now();
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("connect");
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
}

static void stop_one(struct conn *c) {
  close(c->fd);
  c->state = DONE;
}

/* Connected: says who it is. */
static void greet(struct conn *c) {
  if (websocket) say(c, UPGRADE, sizeof UPGRADE - 1);
  else say(c, hello.at, hello.length);
  watch(c, EPOLLIN);
}

static void request(struct conn *c) {
  c->since = now();
  c->answered = 0;
  say(c, block.at, block.length);
}

/* All are in: the measurement begins. */
static void begin(uint64_t seconds_ns) {
  began = now();
  deadline = began + seconds_ns;
  if (mode == HOLD || mode == HELD) {
    printf("ready\n");
    fflush(stdout);
    return;
  }
  for (unsigned i = 0; i < connections; i++) {
    struct conn *c = &all[i];
    c->state = RUNNING;
    say(c, command.at, command.length);
    if (mode == PING) request(c);
    else if (mode == UP) watch(c, EPOLLIN | EPOLLOUT);
  }
}

/* One is in, or was told to wait. */
static void arrive(struct conn *c) {
  note_latency(now() - c->since);
  admitted++;
  if (mode == SESSIONS) {
    if (websocket) say(c, finish.at, finish.length);
    stop_one(c);
    if (now() < deadline) open_one(c);
    else alive--;
    return;
  }
  if (mode == RETRY) {
    if (websocket) say(c, finish.at, finish.length);
    stop_one(c);
    alive--;
    return;
  }
  c->state = ADMITTED;
  arrived++;
  if (connections - arrived >= OPENING) open_one(&all[arrived + OPENING - 1]);
}

static void fail(struct conn *c) {
  if (c->state >= ADMITTED) {
    if (mode == HOLD || mode == HELD) failed++;
    else if (mode != UP || ended == 0) give_up("a session was cut");
    stop_one(c);
    return;
  }
  if (++failed > MAX_FAILED && mode != RETRY) give_up("too many connections failed");
  close(c->fd);
  open_one(c);
}

/* A frame of the handshake is complete. Returns whether the connection lives on. */
static int take_frame(struct conn *c) {
  unsigned char type = c->head[c->want - HEADER];
  c->have = 0;
  c->want = HEADER;
  c->state = HEAD;
  if (type == PERMIT || (type == WAIT && mode == HELD)) {
    arrive(c);
    return c->state == ADMITTED;
  }
  if (type == WAIT) return 1;
  if (type == REFUSE && mode == RETRY) {
    fail(c);
    return 0;
  }
  give_up("a client was refused");
  return 0;
}

/* Bytes of the session, or of its handshake. */
static void take(struct conn *c, const unsigned char *at, size_t length) {
  while (length > 0) {
    if (c->state == HEAD) {
      c->head[c->have++] = *at++;
      length--;
      if (c->have < c->want) continue;
      uint32_t size;
      memcpy(&size, c->head + c->want - 4, 4);
      c->skip = ntohl(size);
      c->state = PAYLOAD;
    }
    if (c->state != PAYLOAD) break;
    size_t part = length < c->skip ? length : c->skip;
    at += part;
    length -= part;
    c->skip -= part;
    if (c->skip == 0 && !take_frame(c)) return;
  }
  if (c->state != RUNNING || length == 0) return;
  if (mode == DOWN) bytes += length;
  if (mode == PING && (c->answered += length) >= payload_length) {
    note_latency(now() - c->since);
    exchanges++;
    if (c->since < deadline) request(c);
  }
  if (mode == UP) {
    uint64_t part = 0;
    for (size_t i = 0; i < length; i++) part = part << 8 | at[i];
    bytes += part;
    stop_one(c);
    if (--alive == 0) ended = now();
  }
}

/* Takes WebSocket apart. Returns 0 at a close frame. */
static int unpack(struct conn *c, const unsigned char *at, size_t length) {
  static const char END[] = "\r\n\r\n";
  while (length > 0 && c->state == UPGRADING) {
    c->matched = *at == END[c->matched] ? c->matched + 1 : *at == '\r';
    at++;
    length--;
    if (c->matched < 4) continue;
    c->state = HEAD;
    say(c, hello.at, hello.length);
  }
  while (length > 0) {
    if (c->frame_left > 0) {
      size_t part = length < c->frame_left ? length : (size_t)c->frame_left;
      c->frame_left -= part;
      take(c, at, part);
      if (c->state == DONE || c->state == UPGRADING) return 1; /* closed, and perhaps opened anew */
      at += part;
      length -= part;
      continue;
    }
    c->frame[c->frame_have++] = *at++;
    length--;
    unsigned size = c->frame[1] & 0x7f;
    unsigned whole = c->frame_have < 2 ? 2 : size == 127 ? 10 : size == 126 ? 4 : 2;
    if (c->frame_have < whole) continue;
    c->frame_have = 0;
    c->frame_left = size;
    if (whole > 2) c->frame_left = 0;
    for (unsigned i = 2; i < whole; i++) c->frame_left = c->frame_left << 8 | c->frame[i];
    if ((c->frame[0] & 0x0f) == 8) return 0;
  }
  return 1;
}

static void readable(struct conn *c) {
  /* What is only counted is not copied: the load is not to be what is slow. */
  int flags = mode == DOWN && !websocket && c->state == RUNNING ? MSG_TRUNC : 0;
  ssize_t n = recv(c->fd, buffer, BUFFER, flags);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) fail(c);
  else if (flags) bytes += (uint64_t)n;
  else if (!websocket) take(c, buffer, (size_t)n);
  else if (!unpack(c, buffer, (size_t)n)) fail(c);
}

static void writable(struct conn *c) {
  if (c->state != RUNNING) {
    greet(c);
    return;
  }
  for (;;) {
    if (now() >= deadline && (c->offset == 0 || !websocket)) {
      if (websocket && send(c->fd, finish.at, finish.length, MSG_NOSIGNAL) < 0) return;
      if (!websocket) shutdown(c->fd, SHUT_WR);
      watch(c, EPOLLIN);
      return;
    }
    ssize_t n = send(c->fd, block.at + c->offset, block.length - c->offset, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN) give_up("a session was cut");
      return;
    }
    c->offset = (c->offset + (size_t)n) % block.length;
  }
}

static int by_size(const void *one, const void *other) {
  uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
  return a < b ? -1 : a > b;
}

/* µs; of latencies that are sorted. */
static double percentile(double share) {
  return latency_count == 0 ? 0 : latencies[(size_t)(share * (double)(latency_count - 1))] / 10.0;
}

static void report(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf("{\"seconds\":%.6f,\"admitted\":%lu,\"failed\":%lu,\"exchanges\":%lu,\"bytes\":%llu,"
         "\"p50\":%.1f,\"p99\":%.1f,\"cpu\":%.6f}\n",
         (double)(ended - began) / 1e9, admitted, failed, exchanges, (unsigned long long)bytes,
         percentile(0.5), percentile(0.99), cpu);
}

static struct bytes read_file(const char *path) {
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, buffer, BUFFER);
  if (n < 0) die(path);
  close(fd);
  return packed(buffer, (size_t)n, 2);
}

static void prepare(const char *hello_file, size_t block_size) {
  static const unsigned char NORMAL[] = {0x03, 0xe8};
  static const char COMMANDS[] = {0, 'u', 'd', 'e', 0, 0, 0};
  hello = read_file(hello_file);
  command = packed(&COMMANDS[mode], 1, 2);
  finish = mode == UP ? packed("", 0, 2) : packed(NORMAL, 2, 8);
  unsigned char *payload = calloc(1, block_size);
  payload_length = block_size;
  block = packed(payload, block_size, 2);
  free(payload);
  all = calloc(connections, sizeof *all);
}

static void handle(struct conn *c, uint32_t events) {
  if (c->state == DONE) return;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
  else if (events & EPOLLOUT) writable(c);
}

static int is_over(void) {
  if (mode == SESSIONS || mode == UP || mode == RETRY) return alive == 0;
  return mode != HOLD && mode != HELD && began > 0 && now() >= deadline;
}

static void run(uint64_t seconds_ns) {
  struct epoll_event events[EVENTS];
  while (!is_over()) {
    if (mode != SESSIONS && mode != RETRY && began == 0 && arrived == connections) begin(seconds_ns);
    int n = epoll_wait(poller, events, EVENTS, 20);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr == NULL) return;
      handle(events[i].data.ptr, events[i].events);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  while (mode <= HELD && strcmp(argv[1], MODES[mode]) != 0) mode++;
  if (mode > HELD) return 2;
  port = atoi(argv[3]);
  connections = (unsigned)atoi(argv[4]);
  uint64_t seconds_ns = (uint64_t)(atof(argv[5]) * 1e9);
  websocket = strcmp(argv[argc - 1], "ws") == 0;
  prepare(argv[2], argc > 6 && atoi(argv[6]) > 0 ? (size_t)atoi(argv[6]) : 64);
  signal(SIGPIPE, SIG_IGN);
  alarm((unsigned)(seconds_ns / 1000000000) + 120);
  if (mode == HOLD || mode == HELD) alarm(0);
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  if (mode == SESSIONS || mode == RETRY) {
    began = now();
    deadline = began + seconds_ns;
  }
  alive = connections;
  unsigned first = mode == SESSIONS || mode == RETRY || connections < OPENING ? connections : OPENING;
  for (unsigned i = 0; i < first; i++) open_one(&all[i]);
  run(seconds_ns);
  if (ended == 0) ended = now();
  report();
}
