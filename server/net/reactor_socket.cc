#include "server/net/reactor_socket.h"

#include <unistd.h>

#include <cassert>

namespace mantis::server {

ReactorSocket::WaitOp::WaitOp(ReactorSocket& the_socket, Callback the_callback)
    : reactor_op(boost::system::error_code(), &WaitOp::Perform, &WaitOp::Complete),
      socket(the_socket),
      callback(the_callback) {}

// "Exhausted" makes the reactor wait for the next event instead of trying at once: whoever gets
// the callback reads until there is no more.
ReactorSocket::WaitOp::status ReactorSocket::WaitOp::Perform(reactor_op*) {
  return done_and_exhausted;
}

void ReactorSocket::WaitOp::Complete(void* scheduler, boost::asio::detail::operation* base,
                                     const boost::system::error_code&, std::size_t) {
  auto* op = static_cast<WaitOp*>(base);
  op->pending = false;
  // No scheduler: the loop is being destroyed and only wants the operation gone.
  if (scheduler == nullptr || !op->socket.is_open()) return;
  op->callback(op->socket.owner_);
}

ReactorSocket::ReactorSocket(boost::asio::io_context& io, void* owner, Callback on_readable,
                             Callback on_writable)
    : reactor_(boost::asio::use_service<Reactor>(io)),
      owner_(owner),
      read_(*this, on_readable),
      write_(*this, on_writable) {
  reactor_.init_task();
}

ReactorSocket::~ReactorSocket() { assert(!is_open() && !read_.pending && !write_.pending); }

bool ReactorSocket::Open(int fd) {
  if (reactor_.register_descriptor(fd, data_) != 0) {
    reactor_.deregister_descriptor(fd, data_, true);
    reactor_.cleanup_descriptor_data(data_);
    ::close(fd);
    return false;
  }
  fd_ = fd;
  return true;
}

void ReactorSocket::Close() {
  if (!is_open()) return;
  reactor_.deregister_descriptor(fd_, data_, true);
  ::close(fd_);
  fd_ = -1;
  reactor_.cleanup_descriptor_data(data_);
}

void ReactorSocket::WaitReadable() {
  if (read_.pending || !is_open()) return;
  read_.pending = true;
  read_.ec_ = {};
  reactor_.start_op(Reactor::read_op, fd_, data_, &read_, true, true);
}

void ReactorSocket::WaitWritable() {
  if (write_.pending || !is_open()) return;
  write_.pending = true;
  write_.ec_ = {};
  // Not speculative: that would complete at once. The reactor arms the event anew instead, which
  // also reports a descriptor that became writable in between.
  reactor_.start_op(Reactor::write_op, fd_, data_, &write_, true, false);
}

}  // namespace mantis::server
