// Incremental, zero-copy parser of the requests a client sends: RESP arrays of bulk strings
// ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") and inline commands ("GET k\r\n").
//
// Thread safety: none; one parser belongs to one connection.
// Ownership: the bytes belong to the caller. Arguments are views into them, except inline arguments
// with quotes, which live in scratch memory of the parser until its next Parse.
// Invariants: between calls the parser keeps offsets only, so the caller may move its bytes. A
// result does not depend on how the bytes were cut into pieces. Total work is linear in the bytes
// received, however small the pieces. No input makes the parser reserve memory in proportion to a
// length that was only announced. Lengths are bytes.
//
// Two deliberate differences from Redis: a NUL byte in a header or inline command is an ordinary
// byte (Redis stops looking for the end of line there and stalls), and the limit on the length of a
// line holds also when the whole line arrives at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/inline_args.h"

namespace mantis::protocol {

struct Limits {
  size_t bulk_len_max = size_t{512} << 20;
  size_t args_max = (size_t{1} << 31) - 1;
  // Bounds an inline command, and the line that announces a count or a length. At least 32: the
  // digits of any valid length fit.
  size_t inline_len_max = size_t{64} << 10;
  // These hold instead while the client has yet to authenticate.
  size_t unauth_bulk_len_max = 16384;
  size_t unauth_args_max = 10;
};

enum class ParseStatus { kCommand, kNeedMore, kError };

class RequestParser {
 public:
  explicit RequestParser(const Limits& limits) : limits_(limits) {}

  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  RequestParser(RequestParser&&) = default;
  RequestParser& operator=(RequestParser&&) = default;

  // Tries to read one command from `data`: every byte received that no earlier command consumed.
  // kCommand:  `args` holds the command, which is the first consumed() bytes. Empty args (a blank
  //            line, "*0", "*-1") ask for no reply: skip those bytes and go on.
  // kNeedMore: nothing is consumed. Call again with the same bytes, wherever they now are, plus
  //            more; what was parsed is not looked at again.
  // kError:    see error(). The stream cannot be resynchronised: the answer stays kError until
  //            Reset().
  [[nodiscard]] ParseStatus Parse(std::string_view data, Args& args) {
    args.clear();
    scratch_.clear();
    consumed_ = 0;
    // If nothing is suspended the whole command may well be there.
    const bool fresh = wanted_ == 0 && authenticated_ && !failed_;
    if (fresh && !data.empty() && data.front() == '*' && ParseWhole(data, args)) {
      return ParseStatus::kCommand;
    }
    return ParseCarefully(data, args);
  }

  // The length of the command that the last Parse returned; 0 after the other answers.
  [[nodiscard]] size_t consumed() const { return consumed_; }
  // After kNeedMore: how many bytes `data` must have before another Parse can get further.
  [[nodiscard]] size_t BytesWanted() const { return wanted_; }
  // After kError: Redis's message, without "-ERR " and without CR or LF.
  [[nodiscard]] std::string_view error() const { return error_; }
  // Whether some argument of the last command lives in the parser's scratch memory, i.e. must be
  // used before the next Parse. A caller that batches commands ends its batch here.
  [[nodiscard]] bool ArgsInScratch() const { return !scratch_.empty(); }

  // Bytes held for a command that is not complete.
  [[nodiscard]] size_t memory() const { return spans_.capacity() * sizeof(Span); }

  // Pass false while authentication is required and has not happened: the unauth_ limits hold then.
  void set_authenticated(bool authenticated) { authenticated_ = authenticated; }
  // Takes effect with the next length that is read.
  void SetLimits(const Limits& limits) { limits_ = limits; }
  // Forgets a half-read command and any error; limits and authentication stay.
  void Reset();

 private:
  // An argument already read, kept while the rest of its command is awaited.
  struct Span {
    size_t offset;
    size_t length;
  };
  struct Line {
    int64_t value;
    size_t end;  // offset of the first byte after the line
  };
  enum class LineStatus { kOk, kNeedMore, kTooLong, kNotANumber };

  bool ParseWhole(std::string_view data, Args& args);
  ParseStatus ParseCarefully(std::string_view data, Args& args);
  ParseStatus ParseInline(std::string_view data, Args& args);
  ParseStatus ParseMultibulk(std::string_view data, Args& args);
  ParseStatus ReadCount(std::string_view data);
  ParseStatus ReadBulks(std::string_view data, Args& args);
  ParseStatus ReadBulkLength(std::string_view data, size_t& length, size_t& body);
  LineStatus ReadLine(std::string_view data, size_t begin, Line& line);
  LineStatus ReadUnusualLine(std::string_view data, size_t begin, Line& line);

  ParseStatus Complete(size_t consumed);
  ParseStatus Suspend(size_t wanted);
  ParseStatus Fail(std::string_view message);

  Limits limits_;
  bool authenticated_ = true;
  bool failed_ = false;

  // Where a suspended command stands. All offsets count from the start of `data`.
  size_t remaining_ = 0;     // bulk strings still to come; 0: the count has not been read
  size_t pos_ = 0;           // start of the next line
  size_t scanned_ = 0;       // no end of line lies before this offset
  size_t wanted_ = 0;        // fewer bytes than this cannot make a difference
  std::vector<Span> spans_;  // arguments read by earlier calls; empty while none was suspended

  size_t consumed_ = 0;
  std::string scratch_;
  std::string error_;
};

}  // namespace mantis::protocol
