// Appends replies in RESP2 or RESP3 to an OutputBuffer. Types that RESP2 lacks are written as the
// nearest RESP2 type, the way Redis does.
//
// Thread safety: none; one writer belongs to one connection.
// Ownership: refers to the buffer, which must outlive the writer; copies every byte it is given.
// Invariants: each call writes one complete element (or, for aggregates, the header that the caller
// follows with that many elements). Lengths are element counts; Map counts pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/number.h"
#include "protocol/output_buffer.h"

namespace mantis::protocol {

class ReplyWriter {
 public:
  explicit ReplyWriter(OutputBuffer& out) : out_(&out) {}

  void set_protocol(int version) { resp3_ = version >= 3; }
  [[nodiscard]] int protocol() const { return resp3_ ? 3 : 2; }
  [[nodiscard]] OutputBuffer& buffer() { return *out_; }

  void Ok() { out_->Append("+OK\r\n"); }
  // CR and LF would end the reply early, so both of these replace them by spaces.
  void SimpleString(std::string_view text) { Line('+', text); }
  // The full text including its code: "ERR syntax error", "WRONGTYPE Operation …".
  void Error(std::string_view with_code) { Line('-', with_code); }

  void Integer(int64_t value) {
    char* begin = out_->Reserve(kHeaderMax);
    *begin = ':';
    Finish(begin, begin + 1 + FormatInteger(begin + 1, value));
  }
  void Bulk(std::string_view bytes) {
    char* begin = out_->Reserve(kHeaderMax + bytes.size() + kCrlfLen);
    char* end = WriteHeader(begin, '$', bytes.size());
    if (!bytes.empty()) std::memcpy(end, bytes.data(), bytes.size());
    Finish(begin, end + bytes.size());
  }
  // A number as a bulk string.
  void BulkInteger(int64_t value) {
    char digits[kIntegerCharsMax];
    Bulk({digits, FormatInteger(digits, value)});
  }
  // "$n\r\n" only: the caller sends n bytes and "\r\n" itself, e.g. by scatter-gather.
  void BulkHeader(size_t n) { Header('$', n); }
  void Null() { out_->Append(resp3_ ? "_\r\n" : "$-1\r\n"); }
  // RESP2 tells a missing array from a missing string; RESP3 does not.
  void NullArray() { out_->Append(resp3_ ? "_\r\n" : "*-1\r\n"); }

  void Array(size_t n) { Header('*', n); }
  void Map(size_t pairs) { resp3_ ? Header('%', pairs) : Header('*', 2 * pairs); }
  void Set(size_t n) { Header(resp3_ ? '~' : '*', n); }
  void Push(size_t n) { Header(resp3_ ? '>' : '*', n); }

  void Double(double value);
  void Boolean(bool value) {
    if (resp3_) {
      out_->Append(value ? "#t\r\n" : "#f\r\n");
    } else {
      out_->Append(value ? ":1\r\n" : ":0\r\n");
    }
  }
  // Decimal digits with an optional '-'.
  void BigNumber(std::string_view digits);
  // `format` names the kind of text in three characters.
  void Verbatim(std::string_view text, std::string_view format = "txt");

  // For an aggregate whose length is known only after its elements were written. Each mark is given
  // to the matching SetDeferred once, innermost aggregate first. Meanwhile the buffer must keep all
  // bytes before the mark in place. Costs one move of the elements when n has several digits.
  [[nodiscard]] size_t DeferredArray() { return Defer(); }
  void SetDeferredArray(size_t mark, size_t n) { SetDeferred(mark, '*', n); }
  [[nodiscard]] size_t DeferredSet() { return Defer(); }
  void SetDeferredSet(size_t mark, size_t n) { SetDeferred(mark, resp3_ ? '~' : '*', n); }
  [[nodiscard]] size_t DeferredMap() { return Defer(); }
  void SetDeferredMap(size_t mark, size_t pairs) {
    resp3_ ? SetDeferred(mark, '%', pairs) : SetDeferred(mark, '*', 2 * pairs);
  }

  // Bytes that are already RESP.
  void Raw(std::string_view bytes) { out_->Append(bytes); }

 private:
  static constexpr size_t kCrlfLen = 2;
  static constexpr size_t kHeaderMax = 1 + kIntegerCharsMax + kCrlfLen;

  static char* WriteCrlf(char* out) {
    out[0] = '\r';
    out[1] = '\n';
    return out + kCrlfLen;
  }
  static char* WriteHeader(char* out, char type, size_t n) {
    *out = type;
    return WriteCrlf(out + 1 + FormatUnsigned(out + 1, n));
  }
  // Ends the element that was written from `begin` to `end` in reserved memory.
  void Finish(char* begin, char* end) { out_->Commit(static_cast<size_t>(WriteCrlf(end) - begin)); }
  void Header(char type, size_t n) {
    char* begin = out_->Reserve(kHeaderMax);
    out_->Commit(static_cast<size_t>(WriteHeader(begin, type, n) - begin));
  }

  void Line(char type, std::string_view text);
  size_t Defer();
  void SetDeferred(size_t mark, char type, size_t n);

  OutputBuffer* out_;
  bool resp3_ = false;
};

}  // namespace mantis::protocol
