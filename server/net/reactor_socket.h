// A descriptor in a core's event loop: tells when it may be read or written, and nothing else.
//
// Asio's own socket tries every operation before it waits, which costs a system call that fails
// (EAGAIN) for each request, or an epoll_ctl for each wait. This class registers with the same
// reactor, but its operations do no I/O: they complete when the edge-triggered event arrives, and
// the owner reads until the kernel has no more. So one round trip costs epoll_wait, recv and send.
// It is the only code that names boost::asio::detail (Boost 1.81 and later, epoll only).
//
// Thread safety: the thread of the io_context only.
// Ownership: owns the descriptor once open. The operations live inside the object, so it must not
// be destroyed while one is pending: after Close(), keep it until the loop has run what was queued
// before (post a function that holds it).
// Contract of reading: the event comes once per arrival of data. Having been told, read until a
// recv is short or gives EAGAIN before WaitReadable() again; after a short recv the end of the
// stream may have gone unnoticed, see Connection::CheckPeer.
#pragma once

#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/io_context.hpp>

namespace mantis::server {

class ReactorSocket {
 public:
  using Callback = void (*)(void* owner);

  // The callbacks run on the loop; never inside WaitReadable() or WaitWritable(), and never after
  // Close().
  ReactorSocket(boost::asio::io_context& io, void* owner, Callback on_readable,
                Callback on_writable);
  ~ReactorSocket();
  ReactorSocket(const ReactorSocket&) = delete;
  ReactorSocket& operator=(const ReactorSocket&) = delete;

  // Takes over a non-blocking descriptor. False: the system refused, the descriptor was closed.
  [[nodiscard]] bool Open(int fd);
  void Close();
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // Calls on_readable once, when data, a connection, an error or the end has arrived since the
  // last such call. No system call in the steady state.
  void WaitReadable();
  // Calls on_writable once when the descriptor can take bytes. One system call.
  void WaitWritable();
  bool waiting_readable() const { return read_.pending; }
  bool waiting_writable() const { return write_.pending; }

 private:
  using Reactor = boost::asio::detail::epoll_reactor;

  struct WaitOp : boost::asio::detail::reactor_op {
    WaitOp(ReactorSocket& the_socket, Callback the_callback);
    static status Perform(reactor_op* base);
    static void Complete(void* scheduler, boost::asio::detail::operation* base,
                         const boost::system::error_code& ec, std::size_t bytes);
    ReactorSocket& socket;
    Callback callback;
    bool pending = false;
  };

  Reactor& reactor_;
  void* const owner_;
  Reactor::per_descriptor_data data_ = nullptr;
  int fd_ = -1;
  WaitOp read_;
  WaitOp write_;
};

}  // namespace mantis::server
