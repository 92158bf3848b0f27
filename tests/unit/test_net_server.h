/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A small HTTP server on loopback for the tests of net/: what it does is
 * in the path.  A real S3 server is in the system tests; this one can
 * misbehave.
 *
 *   /hello        200, X-Test: Some Value, body "hello"
 *   /big?N        N bytes, byte i is i * 7 + i / 256 (mod 256)
 *   /echo         the head of the request, then "LENGTH SUM" of its body
 *   /cut          announces 1,000 bytes, sends 500, closes
 *   /stall        announces 1,000 bytes, sends 10, waits for the end
 *   /silent       takes the request and never answers
 *   /drip?N       N bytes, one every 50 ms
 *   /deaf         never reads a body
 *   /early        403 before the body is read, and reads on
 *   /garbage      no HTTP
 *   /continue     100 first, then 200 "late"
 *   /chunked      "hello world" in chunks, with a trailer X-Test: trailer
 *   /late?N       200 "late", N ms after the request
 *   /status?N     status N with body "status N"
 *   /fickle       as /echo on a fresh connection; on one that was used
 *                 before: closes without an answer
 */
#ifndef S3ZIPFS_TEST_NET_SERVER_H
#define S3ZIPFS_TEST_NET_SERVER_H

#include <stdatomic.h>

struct server {
    int port;
    int listen_fd;
    int end_fd; /* becomes readable when the server ends */
    atomic_uint connections;
    atomic_uint requests;
    atomic_uint silent; /* requests that wait in /silent or /stall */
    atomic_int threads;
    void *thread;
};

int server_start(struct server *s);
void server_stop(struct server *s);
unsigned char server_byte(unsigned long long i);

#endif
