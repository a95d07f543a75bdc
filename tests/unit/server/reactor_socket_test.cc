#include "server/net/reactor_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/detail/concurrency_hint.hpp>
#include <boost/asio/post.hpp>
#include <string>

namespace mantis::server {
namespace {

class ReactorSocketTest : public testing::Test {
 protected:
  ReactorSocketTest()
      : io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
        socket_(
            io_, this, [](void* self) { static_cast<ReactorSocketTest*>(self)->OnReadable(); },
            [](void* self) { ++static_cast<ReactorSocketTest*>(self)->writable_; }) {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    EXPECT_TRUE(socket_.Open(pair[0]));
    peer_ = pair[1];
  }
  ~ReactorSocketTest() override {
    socket_.Close();
    Poll();
    if (peer_ >= 0) ::close(peer_);
  }

  void OnReadable() {
    ++readable_;
    char room[64];
    ssize_t n;
    while ((n = ::recv(socket_.fd(), room, sizeof(room), 0)) > 0) {
      received_.append(room, static_cast<size_t>(n));
    }
    end_of_stream_ = n == 0;
    if (rearm_) socket_.WaitReadable();
  }
  void Poll() {
    io_.restart();
    io_.poll();
  }
  void Send(const std::string& text) {
    ASSERT_EQ(::send(peer_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }

  boost::asio::io_context io_;
  ReactorSocket socket_;
  int peer_ = -1;
  int readable_ = 0;
  int writable_ = 0;
  bool rearm_ = true;
  bool end_of_stream_ = false;
  std::string received_;
};

TEST_F(ReactorSocketTest, TellsEachArrivalOnce) {
  socket_.WaitReadable();
  Poll();
  const int before = readable_;
  Send("one");
  Poll();
  EXPECT_EQ(received_, "one");
  Send("two");
  Poll();
  EXPECT_EQ(received_, "onetwo");
  EXPECT_EQ(readable_, before + 2);
  Poll();
  EXPECT_EQ(readable_, before + 2);
}

TEST_F(ReactorSocketTest, WhatArrivesWhileNobodyWaitsIsToldLater) {
  rearm_ = false;
  socket_.WaitReadable();
  Poll();
  Send("unseen");
  Poll();
  EXPECT_EQ(received_, "");
  socket_.WaitReadable();
  Poll();
  EXPECT_EQ(received_, "unseen");
}

TEST_F(ReactorSocketTest, TellsTheEndOfTheStream) {
  socket_.WaitReadable();
  Poll();
  ::close(peer_);
  peer_ = -1;
  Poll();
  EXPECT_TRUE(end_of_stream_);
}

TEST_F(ReactorSocketTest, TellsOnceThatItIsWritable) {
  const std::string chunk(64 * 1024, 'x');
  while (::send(socket_.fd(), chunk.data(), chunk.size(), 0) > 0) {
  }
  socket_.WaitWritable();
  Poll();
  EXPECT_EQ(writable_, 0);
  std::string room(1024 * 1024, ' ');
  while (::recv(peer_, room.data(), room.size(), 0) > 0) {
  }
  Poll();
  EXPECT_EQ(writable_, 1);
  Poll();
  EXPECT_EQ(writable_, 1);
  socket_.WaitWritable();  // writable already
  Poll();
  EXPECT_EQ(writable_, 2);
}

TEST_F(ReactorSocketTest, NothingIsToldAfterClose) {
  socket_.WaitReadable();
  socket_.WaitWritable();
  Send("late");
  const int before = readable_;
  socket_.Close();
  Poll();
  EXPECT_EQ(readable_, before);
  EXPECT_EQ(writable_, 0);
  EXPECT_FALSE(socket_.waiting_readable());
  EXPECT_FALSE(socket_.waiting_writable());
}

}  // namespace
}  // namespace mantis::server
