/*
 * What stands behind every proxy of a measurement: one process, one epoll loop, canned bytes.
 *
 *   backend SERVER_HELLO PERMIT PORTS
 *
 * SERVER_HELLO and PERMIT are files with what to say: the first to a gate that asks who this is, the second to a
 * client that was led here by a proxy that knows nothing of the handshake. PORTS free ports of 127.0.0.1 are bound and
 * printed, one a line, and then "listening". The process ends with its standard input.
 *
 * After the handshake the first raw byte says what the session is for:
 *   'e'  echo
 *   'u'  upload: all is thrown away; at its end comes how much that was, eight bytes, big endian
 *   'd'  download: bytes without end
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
#include <unistd.h>

#define PREFACE 8
#define HEADER 5
#define BUFFER (256 * 1024)
#define EVENTS 512
#define MAX_PORTS 64

enum { HELLO = 0x01, IDENTIFY = 0x11, OPEN = 0x13 };
enum state { HEAD, PAYLOAD, MODE, ECHO, UPLOAD, DOWNLOAD, MUTE };

struct conn {
  int fd;
  enum state state;
  unsigned char head[PREFACE + HEADER];
  unsigned have, want, skip;
  uint64_t received;
  /* Echo that the peer did not take yet. */
  unsigned char *pending;
  size_t pending_at, pending_length;
};

static unsigned char buffer[BUFFER];
static unsigned char *server_hello, *permit;
static size_t server_hello_length, permit_length;
static int poller;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static unsigned char *read_file(const char *path, size_t *length) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) die(path);
  unsigned char *bytes = malloc(65536);
  ssize_t n = read(fd, bytes, 65536);
  if (n < 0) die(path);
  close(fd);
  *length = (size_t)n;
  return bytes;
}

static void watch(struct conn *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(struct conn *c) {
  close(c->fd);
  free(c->pending);
  free(c);
}

/* A small answer: the socket's buffer is empty, so it fits. */
static int say(struct conn *c, const void *bytes, size_t length) {
  return send(c->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* What a whole frame asks for; 0: the connection is broken. */
static int take_frame(struct conn *c) {
  unsigned char type = c->head[c->want - HEADER];
  c->have = 0;
  c->want = HEADER;
  c->state = HEAD;
  if (type == IDENTIFY) return say(c, server_hello, server_hello_length);
  if (type == OPEN) c->state = MODE;
  else if (type == HELLO) {
    c->state = MODE;
    return say(c, permit, permit_length);
  } else c->state = MUTE; /* an upgrade that goes on and on */
  return 1;
}

/* Bytes of the handshake. Returns how many were used, or -1. */
static ssize_t shake_hands(struct conn *c, const unsigned char *bytes, size_t length) {
  size_t used = 0;
  while (used < length && (c->state == HEAD || c->state == PAYLOAD)) {
    if (c->state == HEAD) {
      c->head[c->have++] = bytes[used++];
      if (c->have < c->want) continue;
      uint32_t size;
      memcpy(&size, c->head + c->want - 4, 4);
      c->skip = ntohl(size);
      c->state = PAYLOAD;
    }
    size_t part = length - used < c->skip ? length - used : c->skip;
    used += part;
    c->skip -= part;
    if (c->skip == 0 && !take_frame(c)) return -1;
  }
  return (ssize_t)used;
}

static int download(struct conn *c) {
  for (int i = 0; i < 16; i++) {
    ssize_t n = send(c->fd, buffer, 65536, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
  }
  return 1;
}

/* Keeps what did not fit, and reads no more until it has gone. */
static int echo(struct conn *c, const unsigned char *bytes, size_t length) {
  ssize_t n = send(c->fd, bytes, length, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) return 0;
  size_t sent = n < 0 ? 0 : (size_t)n;
  if (sent == length) return 1;
  c->pending_length = length - sent;
  c->pending_at = 0;
  c->pending = malloc(c->pending_length);
  memcpy(c->pending, bytes + sent, c->pending_length);
  watch(c, EPOLLOUT);
  return 1;
}

static int choose(struct conn *c, unsigned char mode) {
  c->state = mode == 'e' ? ECHO : mode == 'u' ? UPLOAD : mode == 'd' ? DOWNLOAD : MUTE;
  if (c->state == DOWNLOAD) {
    watch(c, EPOLLIN | EPOLLOUT);
    return download(c);
  }
  return 1;
}

static int take(struct conn *c, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    if (c->state == ECHO) return echo(c, bytes, length);
    if (c->state == UPLOAD) c->received += length;
    if (c->state > MODE) return 1;
    ssize_t used = 1;
    if (c->state == MODE) {
      if (!choose(c, bytes[0])) return 0;
    } else if ((used = shake_hands(c, bytes, length)) < 0) return 0;
    bytes += used;
    length -= (size_t)used;
  }
  return 1;
}

/* The peer has said all. */
static void at_end(struct conn *c) {
  uint64_t count = htobe64(c->received);
  if (c->state == UPLOAD) say(c, &count, 8);
}

static int readable(struct conn *c) {
  if (c->pending != NULL) return 0; /* not waited for: the connection was reset */
  /* An upload is dropped in the kernel, without a copy: the backend is not to be what is slow. */
  int flags = c->state == UPLOAD ? MSG_TRUNC : 0;
  ssize_t n = recv(c->fd, buffer, BUFFER, flags);
  if (n < 0) return errno == EAGAIN;
  if (n == 0) {
    at_end(c);
    return 0;
  }
  if (c->state == UPLOAD) {
    c->received += (uint64_t)n;
    return 1;
  }
  return take(c, buffer, (size_t)n);
}

static int writable(struct conn *c) {
  if (c->state == DOWNLOAD) return download(c);
  if (c->pending == NULL) return 1;
  ssize_t n = send(c->fd, c->pending + c->pending_at, c->pending_length - c->pending_at, MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN;
  c->pending_at += (size_t)n;
  if (c->pending_at < c->pending_length) return 1;
  free(c->pending);
  c->pending = NULL;
  watch(c, EPOLLIN);
  return 1;
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct conn *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->want = PREFACE + HEADER;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  }
}

static int listen_on_free_port(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4096) < 0) die("listen");
  getsockname(fd, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  server_hello = read_file(argv[1], &server_hello_length);
  permit = read_file(argv[2], &permit_length);
  int count = atoi(argv[3]);
  int listeners[MAX_PORTS];
  if (count < 1 || count > MAX_PORTS) return 2;
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  for (int i = 0; i < count; i++) {
    listeners[i] = listen_on_free_port();
    event.data.ptr = &listeners[i];
    epoll_ctl(poller, EPOLL_CTL_ADD, listeners[i], &event);
  }
  printf("listening\n");
  fflush(stdout);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      void *at = events[i].data.ptr;
      if (at == NULL) return 0;
      if ((int *)at >= listeners && (int *)at < listeners + count) {
        accept_all(*(int *)at);
        continue;
      }
      struct conn *c = at;
      int ok = 1;
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) ok = readable(c);
      if (ok && (events[i].events & EPOLLOUT)) ok = writable(c);
      if (!ok) drop(c);
    }
  }
}
