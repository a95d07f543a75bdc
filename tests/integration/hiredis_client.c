/* Drives a server through hiredis as a C program would: synchronous calls, pipelining, binary data,
 * reply types and errors. Usage: hiredis_client HOST PORT. Exits 0 when every check holds, else
 * names the first one that does not. */

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kPipelineDepth = 10000 };

static void Require(int holds, const char* what, const redisContext* context) {
  if (holds) {
    return;
  }
  fprintf(stderr, "failed: %s (%s)\n", what, context->err ? context->errstr : "no client error");
  exit(1);
}

static redisReply* Reply(redisContext* context, void* reply, int type, const char* what) {
  Require(reply != NULL, what, context);
  Require(((redisReply*)reply)->type == type, what, context);
  return reply;
}

static void CheckTypes(redisContext* context) {
  redisReply* reply = Reply(context, redisCommand(context, "PING"), REDIS_REPLY_STATUS, "PING");
  Require(strcmp(reply->str, "PONG") == 0, "PONG", context);
  freeReplyObject(reply);
  freeReplyObject(
      Reply(context, redisCommand(context, "FLUSHALL"), REDIS_REPLY_STATUS, "FLUSHALL"));
  freeReplyObject(Reply(context, redisCommand(context, "GET nokey"), REDIS_REPLY_NIL, "nil"));
  reply = Reply(context, redisCommand(context, "INCRBY n %d", 42), REDIS_REPLY_INTEGER, "integer");
  Require(reply->integer == 42, "INCRBY", context);
  freeReplyObject(reply);
  reply = Reply(context, redisCommand(context, "INCR"), REDIS_REPLY_ERROR, "error");
  Require(strstr(reply->str, "wrong number of arguments") != NULL, "error text", context);
  freeReplyObject(reply);
  reply = Reply(context, redisCommand(context, "MGET n nokey"), REDIS_REPLY_ARRAY, "array");
  Require(reply->elements == 2 && reply->element[1]->type == REDIS_REPLY_NIL, "elements", context);
  freeReplyObject(reply);
}

static void CheckBinary(redisContext* context) {
  char bytes[256];
  for (int i = 0; i < 256; ++i) {
    bytes[i] = (char)i;
  }
  void* stored = redisCommand(context, "SET %b %b", bytes, sizeof bytes, bytes, sizeof bytes);
  freeReplyObject(Reply(context, stored, REDIS_REPLY_STATUS, "binary SET"));
  redisReply* reply = Reply(context, redisCommand(context, "GET %b", bytes, sizeof bytes),
                            REDIS_REPLY_STRING, "GET");
  Require(reply->len == sizeof bytes && memcmp(reply->str, bytes, sizeof bytes) == 0, "bytes",
          context);
  freeReplyObject(reply);
}

static void CheckPipeline(redisContext* context) {
  for (int i = 0; i < kPipelineDepth; ++i) {
    Require(redisAppendCommand(context, "INCR pipelined") == REDIS_OK, "append", context);
  }
  for (int i = 0; i < kPipelineDepth; ++i) {
    void* raw = NULL;
    Require(redisGetReply(context, &raw) == REDIS_OK, "pipelined reply", context);
    redisReply* reply = Reply(context, raw, REDIS_REPLY_INTEGER, "pipelined integer");
    Require(reply->integer == i + 1, "pipeline order", context);
    freeReplyObject(reply);
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
    return 2;
  }
  const struct timeval timeout = {.tv_sec = 10, .tv_usec = 0};
  redisContext* context = redisConnectWithTimeout(argv[1], atoi(argv[2]), timeout);
  if (context == NULL || context->err) {
    fprintf(stderr, "cannot connect: %s\n", context ? context->errstr : "out of memory");
    return 1;
  }
  Require(redisSetTimeout(context, timeout) == REDIS_OK, "timeout", context);
  CheckTypes(context);
  CheckBinary(context);
  CheckPipeline(context);
  redisFree(context);
  puts("hiredis: all checks hold");
  return 0;
}
